/** How a wrong option is refused: with node's codes. */
import { inspect } from 'node:util';

function outOfRange(name: string, range: string, value: unknown): RangeError {
  return Object.assign(new RangeError(`The value of "options.${name}" is out of range. It must be ${range}. Received ${String(value)}`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}

/** An option whose value is none of those allowed. */
export function invalidOption(name: string, expected: string, value: unknown): TypeError {
  return Object.assign(new TypeError(`The "options.${name}" property must be ${expected}. Received ${String(value)}`), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
}

/** @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw Object.assign(new TypeError(`The "options.${name}" property must be an integer. Received ${typeof value}`), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  }
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

/** Longest value that an error shows, and what is left of a longer one. */
const shownMax = 28;
const cutTo = 25;

/** What a value is, in node's words: `type string ('x')`, `an instance of Map`. */
function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const { constructor } = value as { constructor?: { name?: string } };
    return constructor?.name ? `an instance of ${constructor.name}` : inspect(value, { depth: -1 });
  }
  const shown = inspect(value, { colors: false });
  return `type ${typeof value} (${shown.length > shownMax ? `${shown.slice(0, cutTo)}...` : shown})`;
}

function wrongType(name: string, type: string, value: unknown): TypeError {
  return Object.assign(new TypeError(`The "${name}" property must be of type ${type}. Received ${received(value)}`), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
}

/** @throws ERR_INVALID_ARG_TYPE */
export function callable(name: string, value: unknown): void {
  if (typeof value !== 'function') throw wrongType(name, 'function', value);
}

/** @throws ERR_INVALID_ARG_TYPE */
export function flag(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw wrongType(name, 'boolean', value);
}
