/** A line longer than this is shown in pieces: browsers are slow at laying out megabytes in a line. */
const LINE_CHARS_MAX = 2000

// What terminals take for orders: colours, titles, moves of the cursor.
const ORDERS =
  // oxlint-disable-next-line no-control-regex
  /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[PX^_][^\u001B]*\u001B\\|[@-Z\\-_])/g
// What is neither shown nor harmless: control characters, and those that turn the direction of text.
const UNSEEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g

/** A line as people read it: what a terminal would do to it is left out, and of what overwrote itself the last. */
export function plainLine(line: string): string {
  const last = line.replace(/\r+$/, '').split('\r').at(-1) ?? ''
  return last.replaceAll(ORDERS, '').replaceAll(UNSEEN, '')
}

/** A log as it grows. `rows` is replaced, never changed, so that a reader sees that it grew. */
export interface LogText {
  readonly rows: readonly string[]
  /** Of the last line, while it has no end. */
  readonly open: string
}

export const EMPTY_LOG: LogText = { rows: [], open: '' }

export function grown({ rows, open }: LogText, text: string): LogText {
  const lines = (open + text).split('\n')
  const rest = lines.pop() ?? ''
  return { rows: [...rows, ...lines.flatMap((line) => rowsOf(line))], open: rest }
}

/** All rows, with the line that goes on. */
export function rowsIn({ rows, open }: LogText): readonly string[] {
  return open === '' ? rows : [...rows, ...rowsOf(open)]
}

function rowsOf(line: string): string[] {
  const plain = plainLine(line)
  if (plain.length <= LINE_CHARS_MAX) return [plain]
  const pieces = Math.ceil(plain.length / LINE_CHARS_MAX)
  return Array.from({ length: pieces }, (_, at) =>
    plain.slice(at * LINE_CHARS_MAX, (at + 1) * LINE_CHARS_MAX),
  )
}
