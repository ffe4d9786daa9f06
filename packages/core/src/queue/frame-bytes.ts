/**
 * Access to the bytes of frames on the hot path. A method of Buffer is looked up anew at each call there, because V8 does not take those of
 * its prototype for constants; these are found once, and integers are put together in place.
 */

/** Node's coders without a look at the encoding's name; the type package leaves them out. */
interface Coders {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, at: number): number;
  utf8Write(this: Uint8Array, text: string, at: number): number;
}
const { latin1Slice, latin1Write, utf8Write } = Buffer.prototype as unknown as Coders;

/** Texts up to this length are written unit by unit: the call into Node costs more than that. */
const shortLength = 24;

/** The u32 at `at`; the caller has checked that it is there. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** The u16 at `at`. */
export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

/** `bytes[start .. end)` as text, a unit for each. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** Writes text, a byte for each unit; returns their number. There must be room. */
export function writeLatin1(bytes: Uint8Array, text: string, at: number): number {
  return latin1Write.call(bytes, text, at);
}

/** Writes text as UTF-8 and returns its bytes. There must be room for three bytes a unit. */
export function writeUtf8(bytes: Uint8Array, text: string, at: number): number {
  const { length } = text;
  if (length > shortLength) return utf8Write.call(bytes, text, at);
  for (let n = 0; n < length; n++) {
    const unit = text.charCodeAt(n);
    if (unit >= 0x80) return utf8Write.call(bytes, text, at);
    bytes[at + n] = unit;
  }
  return length;
}
