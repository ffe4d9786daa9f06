/** How a wrong option is refused: with node's codes. */

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

/** @throws ERR_INVALID_ARG_TYPE */
export function callable(name: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw Object.assign(
    new TypeError(`The "${name}" property must be of type function. Received ${value === null ? 'null' : `type ${typeof value}`}`),
    {
      code: 'ERR_INVALID_ARG_TYPE',
    },
  );
}
