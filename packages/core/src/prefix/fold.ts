/**
 * Simple case folding of host names and paths (URL-1). Must be kept in step with native/portable/fold_case.cc;
 * test/fixtures/fold.txt holds both to one table.
 */

/** Small letters between the pairs of Latin Extended-A, and the dotted capital I, which has no single small letter. */
const unpaired: ReadonlySet<number> = new Set([0x130, 0x131, 0x138, 0x149, 0x17f]);

function foldLatinExtended(code: number): number {
  if (unpaired.has(code)) return code;
  if (code === 0x178) return 0xff;
  const oddIsCapital = (code >= 0x139 && code <= 0x148) || code >= 0x179;
  return (code & 1) === (oddIsCapital ? 1 : 0) ? code + 1 : code;
}

function foldGreek(code: number): number {
  if (code === 0x386) return 0x3ac;
  if (code >= 0x388 && code <= 0x38a) return code + 37;
  if (code === 0x38c) return 0x3cc;
  if (code === 0x38e || code === 0x38f) return code + 63;
  return code >= 0x391 && code <= 0x3ab && code !== 0x3a2 ? code + 32 : code;
}

function foldUnit(code: number): number {
  if (code < 0x80) return code >= 0x41 && code <= 0x5a ? code + 32 : code;
  if (code < 0x100) return code >= 0xc0 && code <= 0xde && code !== 0xd7 ? code + 32 : code;
  if (code < 0x180) return foldLatinExtended(code);
  if (code < 0x400) return foldGreek(code);
  if (code <= 0x40f) return code + 80;
  return code >= 0x410 && code <= 0x42f ? code + 32 : code;
}

/**
 * Folds ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic capitals to their small letters; every other character stays as it is.
 * The length never changes, in UTF-16 as in UTF-8, so positions in the folded text are positions in the text.
 */
export function fold(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (foldUnit(code) !== code) return foldFrom(text, i);
  }
  return text;
}

function foldFrom(text: string, start: number): string {
  let out = text.slice(0, start);
  for (let i = start; i < text.length; i++) out += String.fromCharCode(foldUnit(text.charCodeAt(i)));
  return out;
}
