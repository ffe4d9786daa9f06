/**
 * The optional blocks of a RESPONSE frame (docs/frames.md): a body that the engine has, or opens and sends itself.
 */
import * as frames from './frames';

const policyBytes = 8;
const blockHeadBytes = 4;
const rangeBytes = 16;

/** A policy, or what says that nothing is stored, with room for one block behind it. */
function withBlock(policy: Uint8Array | null, tag: number, contentBytes: number): Buffer {
  const block = Buffer.alloc(policyBytes + blockHeadBytes + contentBytes);
  if (policy === null) block[0] = frames.PolicyNone;
  else block.set(policy);
  block.writeUInt16LE(tag, policyBytes);
  block.writeUInt16LE(contentBytes, policyBytes + 2);
  return block;
}

/**
 * What takes the place of a policy alone in the frame.
 *
 * @param policy the block of a policy, or null when the response is not to be stored
 * @param path absolute
 * @param offset first byte of the body in the file
 * @param length its bytes, from 1
 * @returns null when the path is longer than a frame may carry
 */
export function encodeFileBlock(policy: Uint8Array | null, path: string, offset: number, length: number): Uint8Array | null {
  const pathBytes = Buffer.byteLength(path);
  if (pathBytes > frames.FilePathBytesMax) return null;
  const block = withBlock(policy, frames.BlockFile, rangeBytes + pathBytes);
  const at = policyBytes + blockHeadBytes;
  block.writeBigUInt64LE(BigInt(offset), at);
  block.writeBigUInt64LE(BigInt(length), at + 8);
  block.write(path, at + rangeBytes);
  return block;
}

/** The same for a fragment; its name has at most `FragmentNameBytesMax` bytes. */
export function encodeFragmentBlock(policy: Uint8Array | null, name: string): Uint8Array {
  const block = withBlock(policy, frames.BlockFragment, Buffer.byteLength(name));
  block.write(name, policyBytes + blockHeadBytes);
  return block;
}
