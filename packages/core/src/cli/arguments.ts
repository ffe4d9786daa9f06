/** The command line's words, as netsh has them: `show servicestate`, then `name=value` parameters and `--flags`. */

export interface CommandLine {
  /** Lower case: netsh compares words without case. */
  words: string[];
  /** `url=...`, `recursive=yes`. */
  parameters: Map<string, string>;
  flags: Set<string>;
}

const parameterForm = /^([A-Za-z]+)=(.*)$/s;

export function parseCommandLine(args: string[]): CommandLine {
  const line: CommandLine = { words: [], parameters: new Map(), flags: new Set() };
  for (const arg of args) {
    const parameter = parameterForm.exec(arg);
    if (arg.startsWith('-')) line.flags.add(arg);
    else if (parameter !== null) line.parameters.set(parameter[1].toLowerCase(), parameter[2]);
    else line.words.push(arg.toLowerCase());
  }
  return line;
}
