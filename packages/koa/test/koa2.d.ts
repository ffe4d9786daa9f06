// Koa 2 has the same API as far as these tests go.
declare module 'koa2' {
  import Koa from 'koa';
  export default Koa;
}
