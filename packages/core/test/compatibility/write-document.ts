/** `npm run docs:compatibility` */
import { write } from './document';

write();
