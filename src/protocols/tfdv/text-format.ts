/** A message of protocol buffers as its text format has it: fields in their order, any of them several times. */
export type Message = readonly Field[]

export interface Field {
  readonly name: string
  readonly value: Value
  readonly line: number
}

export type Value =
  | { readonly kind: 'message'; readonly fields: Message }
  | { readonly kind: 'text'; readonly text: string }
  /** A number, true, false or a word of an enumeration, as it is written. */
  | { readonly kind: 'word'; readonly word: string }

export interface TextProblem {
  readonly line: number
  readonly message: string
}

const DEPTH_MAX = 64
const CHARACTERS_MAX = 64 * 2 ** 20

/** Reads text format; never throws. */
export function readTextFormat(text: string): { message: Message; problems: TextProblem[] } {
  const at = { position: 0, line: 1 }
  try {
    if (text.length > CHARACTERS_MAX) throw new Fault('it is longer than 64 MB', 1)
    const message = fieldsOf(tokensOf(text), at, { depth: 0, end: undefined })
    return { message, problems: [] }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { message: [], problems: [{ line: error.line, message: error.message }] }
  }
}

class Fault extends Error {
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

interface Token {
  readonly kind: 'mark' | 'word' | 'text' | 'end'
  readonly text: string
  readonly line: number
}

const TOKEN =
  /[\s]+|#[^\n]*|(?<mark>[{}<>[\]:;,/])|(?<word>[-+]?[A-Za-z0-9_.][-+\w.]*|-)|(?<text>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/uy

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  TOKEN.lastIndex = 0
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text)
    if (match === null)
      throw new Fault(`${JSON.stringify(text.slice(at, at + 20))} cannot stand here`, line)
    const { mark, word, text: inQuotes } = match.groups ?? {}
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, line })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, line })
    else if (inQuotes !== undefined)
      tokens.push({ kind: 'text', text: unescaped(inQuotes, line), line })
    line += match[0].split('\n').length - 1
  }
  tokens.push({ kind: 'end', text: 'the end', line })
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '?': '?',
}

/** Bytes that were escaped one by one are UTF-8 together. */
function unescaped(written: string, line: number): string {
  const inner = written.slice(1, -1)
  if (!inner.includes('\\')) return inner
  const parts: Buffer[] = []
  const shape =
    /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))|[^\\]+/gu
  for (const [all, octal, hex, short, long, other] of inner.matchAll(shape)) {
    const code =
      octal !== undefined
        ? Number.parseInt(octal, 8)
        : hex === undefined
          ? undefined
          : Number.parseInt(hex, 16)
    const point = short ?? long
    if (code !== undefined) parts.push(Buffer.from([code & 255]))
    else if (point !== undefined)
      parts.push(Buffer.from(character(Number.parseInt(point, 16), line)))
    else parts.push(Buffer.from(other === undefined ? all : (ESCAPES[other] ?? other)))
  }
  return Buffer.concat(parts).toString('utf8')
}

function character(point: number, line: number): string {
  if (point > 0x10ffff) throw new Fault(`\\U${point.toString(16)} is no character`, line)
  return String.fromCodePoint(point)
}

interface At {
  position: number
}

function fieldsOf(
  tokens: readonly Token[],
  at: At,
  { depth, end }: { depth: number; end: string | undefined },
): Message {
  const fields: Field[] = []
  for (;;) {
    const token = tokens[at.position] as Token
    if (token.kind === 'end') {
      if (end === undefined) return fields
      throw new Fault(`a message that was opened is not closed with ${end}`, token.line)
    }
    if (token.kind === 'mark' && token.text === end) return fields
    if (token.kind === 'mark' && (token.text === ',' || token.text === ';')) {
      at.position++
      continue
    }
    fields.push(...fieldOf(tokens, at, depth))
  }
}

function fieldOf(tokens: readonly Token[], at: At, depth: number): Field[] {
  const { name, line } = nameOf(tokens, at)
  const isScalar = isMark(tokens[at.position], ':')
  if (isScalar) at.position++
  if (!isMark(tokens[at.position], '[')) return [{ name, line, value: valueOf(tokens, at, depth) }]
  at.position++
  const fields: Field[] = []
  while (!isMark(tokens[at.position], ']')) {
    if (isMark(tokens[at.position], ',')) at.position++
    else fields.push({ name, line, value: valueOf(tokens, at, depth) })
  }
  at.position++
  return fields
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text
}

/** A name, or the type of an extension or of an `Any` in square brackets. */
function nameOf(tokens: readonly Token[], at: At): { name: string; line: number } {
  const token = tokens[at.position++] as Token
  if (token.kind === 'word') return { name: token.text, line: token.line }
  if (!isMark(token, '['))
    throw new Fault(`${token.text} stands where a field's name belongs`, token.line)
  let name = '['
  for (;;) {
    const next = tokens[at.position++] as Token
    if (next.kind === 'end') throw new Fault('a name in square brackets is not closed', token.line)
    name += next.text
    if (isMark(next, ']')) return { name, line: token.line }
  }
}

function valueOf(tokens: readonly Token[], at: At, depth: number): Value {
  const token = tokens[at.position++] as Token
  if (token.kind === 'word') return { kind: 'word', word: token.text }
  if (token.kind === 'text') {
    let { text } = token
    // Texts that follow one another are one.
    for (let next = tokens[at.position]; next?.kind === 'text'; next = tokens[at.position]) {
      text += next.text
      at.position++
    }
    return { kind: 'text', text }
  }
  if (!isMark(token, '{') && !isMark(token, '<'))
    throw new Fault(`${token.text} stands where a value belongs`, token.line)
  if (depth >= DEPTH_MAX) throw new Fault('messages are nested too deeply', token.line)
  const end = token.text === '{' ? '}' : '>'
  const fields = fieldsOf(tokens, at, { depth: depth + 1, end })
  at.position++
  return { kind: 'message', fields }
}

/** Writes text format as the libraries of protocol buffers do. */
export function printTextFormat(message: Message, indent = 0): string {
  const pad = ' '.repeat(indent)
  return message
    .map(({ name, value }) =>
      value.kind === 'message'
        ? `${pad}${name} {\n${printTextFormat(value.fields, indent + 2)}${pad}}\n`
        : `${pad}${name}: ${value.kind === 'word' ? value.word : quoted(value.text)}\n`,
    )
    .join('')
}

function quoted(text: string): string {
  const body = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(/\p{Cc}/gu, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return `"${body}"`
}
