/**
 * Header entries as REQUEST and BODY_END carry them (docs/frames.md), read from the Latin-1 text of the frame.
 */
import { ProtocolError } from './protocol-error';
import { canonicalNames, lowerNames } from './header-names';

/**
 * The fields as `[name, value, ...]`.
 *
 * @throws ERR_HTTPSYS_PROTOCOL
 */
export function readHeaderEntries(text: string, at: number, count: number): string[] {
  const raw: string[] = new Array<string>(count * 2);
  let position = at;
  for (let n = 0; n < count; n++) {
    const nameId = text.charCodeAt(position);
    const valueBytes = text.charCodeAt(position + 1) | (text.charCodeAt(position + 2) << 8);
    position += 3;
    let name: string | undefined;
    if (nameId === 0) {
      const nameBytes = text.charCodeAt(position) | (text.charCodeAt(position + 1) << 8);
      position += 2;
      name = text.slice(position, position + nameBytes);
      position += nameBytes;
    } else {
      name = nameId < 0x80 ? canonicalNames[nameId] : lowerNames[nameId & 0x7f];
    }
    if (name === undefined || name === '') throw new ProtocolError(`header name ${nameId} is in no table`);
    raw[n * 2] = name;
    raw[n * 2 + 1] = text.slice(position, position + valueBytes);
    position += valueBytes;
  }
  if (position > text.length) throw new ProtocolError('header entries run past the end of their frame');
  return raw;
}
