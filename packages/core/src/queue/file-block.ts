/**
 * The optional block FILE of a RESPONSE frame (docs/frames.md): a body that the engine opens and sends itself.
 */
import * as frames from './frames';

const policyBytes = 8;
const blockHeadBytes = 4;
const rangeBytes = 16;

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
  const block = Buffer.alloc(policyBytes + blockHeadBytes + rangeBytes + pathBytes);
  if (policy === null) block[0] = frames.PolicyNone;
  else block.set(policy);
  block.writeUInt16LE(frames.BlockFile, policyBytes);
  block.writeUInt16LE(rangeBytes + pathBytes, policyBytes + 2);
  block.writeBigUInt64LE(BigInt(offset), policyBytes + blockHeadBytes);
  block.writeBigUInt64LE(BigInt(length), policyBytes + blockHeadBytes + 8);
  block.write(path, policyBytes + blockHeadBytes + rangeBytes);
  return block;
}
