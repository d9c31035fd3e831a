import { isList, isMap, isTimestamp, type ParamKey, type ParamValue } from '#stages'

/** `repr` of a Python float, on which hashes and lock files depend: 1.0, 1e-05, 1e+16. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+'
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  return positional(mantissa, exponent)
}

/** JSON as `json.dumps(value, sort_keys=True)` prints it: ASCII, `", "` and `": "`. */
export function pythonJson(value: ParamValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return jsonFloat(value)
  if (typeof value === 'string') return asciiString(value)
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (isMap(value)) {
    const keys = [...value.keys()].map((key) => ({ key, text: jsonKey(key) }))
    keys.sort((one, other) => compareCodePoints(one.text, other.text))
    const pairs = keys.map(
      ({ key, text }) => `${asciiString(text)}: ${pythonJson(value.get(key) ?? null)}`,
    )
    return `{${pairs.join(', ')}}`
  }
  // Python's json refuses dates as well; who calls has said so to the person already.
  return asciiString(value.timestamp)
}

/** `str(value)`, with booleans as YAML writes them: what a template puts into a longer string. */
export function pythonText(value: ParamValue): string {
  if (value === null) return 'None'
  if (typeof value === 'number') return pythonFloat(value)
  if (typeof value === 'string') return value
  if (isTimestamp(value)) return value.timestamp
  if (isList(value) || isMap(value)) return pythonJson(value)
  return String(value)
}

/** Order of Python strings: by code point. JavaScript's own order is by UTF-16 unit, which differs beyond U+FFFF. */
export function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index++) {
    const left = one.charCodeAt(index)
    const right = other.charCodeAt(index)
    if (left !== right) return aboveSurrogates(left) - aboveSurrogates(right)
  }
  return one.length - other.length
}

/** Words for a shell, as Python's `shlex.quote` does it. */
export function shellQuoted(text: string): string {
  if (text === '') return "''"
  if (/^[\w@%+=:,./-]+$/u.test(text)) return text
  return `'${text.replaceAll("'", `'"'"'`)}'`
}

function positional(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace('-', '').replace('.', '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return pythonFloat(value)
}

function jsonKey(key: ParamKey): string {
  return typeof key === 'number' ? jsonFloat(key) : String(key)
}

/** A JSON string in ASCII; also what lies outside 0x20 to 0x7e within ASCII is escaped. */
export function asciiString(text: string): string {
  const quoted = JSON.stringify(text)
  // Most names are plain ASCII, and a folder may hold a million of them.
  // eslint-disable-next-line no-control-regex
  return /^[\x20-\x7e]*$/.test(quoted)
    ? quoted
    : // eslint-disable-next-line no-control-regex
      quoted.replaceAll(
        /[^\x20-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
}

function aboveSurrogates(unit: number): number {
  // Surrogates stand for code points above every other unit.
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit
}
