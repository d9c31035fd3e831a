import type { ParamKey, ParamMap, ParamValue } from '#stages'

/**
 * The literals that a Python file assigns: names of the module, of its classes as maps, and what `__init__` assigns to
 * `self`. Anything that would have to be run is left out.
 */
export function readPythonParams(text: string): { value: ParamMap; problems: string[] } {
  const { statements, problem } = statementsOf(text)
  if (problem !== undefined) return { value: new Map(), problems: [problem] }
  return { value: valuesIn(statements, { ofSelf: false }), problems: [] }
}

interface Statement {
  readonly indent: number
  readonly text: string
}

function valuesIn(statements: readonly Statement[], { ofSelf }: { ofSelf: boolean }): ParamMap {
  const values = new Map<ParamKey, ParamValue>()
  for (let at = 0; at < statements.length; at++) {
    const { text, indent } = statements[at] ?? { text: '', indent: 0 }
    const end = endOfBlock(statements, at)
    const header = /^(class|def)\s+(\w+)[^:]*?(?:\(.*\))?[^:]*:(.*)$/s.exec(text)
    if (header !== null) {
      const [, word, name = '', rest = ''] = header
      const inside =
        rest.trim() === ''
          ? statements.slice(at + 1, end)
          : [{ indent: indent + 1, text: rest.trim() }]
      if (word === 'class') values.set(name, valuesIn(inside, { ofSelf: false }))
      else if (name === '__init__')
        for (const [key, value] of valuesIn(inside, { ofSelf: true })) values.set(key, value)
    } else if (end === at + 1) {
      const assigned = assignment(text, ofSelf)
      if (assigned !== undefined) values.set(...assigned)
    }
    at = end - 1
  }
  return values
}

/** The statement after everything that stands deeper than this one. */
function endOfBlock(statements: readonly Statement[], at: number): number {
  const indent = statements[at]?.indent ?? 0
  let end = at + 1
  while (end < statements.length && (statements[end]?.indent ?? 0) > indent) end += 1
  return end
}

function assignment(text: string, ofSelf: boolean): [string, ParamValue] | undefined {
  const found = /^(self\.)?([\p{L}_][\p{L}\p{N}_]*)\s*(?::[^=]*)?=(?!=)(.*)$/su.exec(text)
  if (found === null || (ofSelf && found[1] === undefined)) return undefined
  const value = literal(found[3] ?? '')
  return value === undefined ? undefined : [found[2] ?? '', value]
}

/** A literal that takes up all of the text; undefined for anything else. */
function literal(text: string): ParamValue | undefined {
  const reader = literalReader(text)
  try {
    return reader.whole()
  } catch (error) {
    if (error instanceof NoLiteral) return undefined
    throw error
  }
}

class NoLiteral extends Error {}

/** A place in a text, and what follows it. */
function cursor(text: string) {
  let at = 0
  const skip = () => {
    while (/[\s\\]/.test(text[at] ?? '')) at += 1
  }
  return {
    take: (sign: string): boolean => {
      skip()
      if (!text.startsWith(sign, at)) return false
      at += sign.length
      return true
    },
    matched: (pattern: RegExp): string | undefined => {
      skip()
      pattern.lastIndex = at
      const found = pattern.exec(text)?.[0]
      at += found?.length ?? 0
      return found
    },
    isBefore: (sign: string): boolean => {
      skip()
      return text.startsWith(sign, at)
    },
    isAtEnd: (): boolean => {
      skip()
      return at >= text.length
    },
  }
}

function literalReader(text: string) {
  const { take, matched, isBefore, isAtEnd } = cursor(text)
  const listUntil = (end: string): { items: ParamValue[]; commas: number } => {
    const items: ParamValue[] = []
    let commas = 0
    while (!take(end)) {
      if (items.length > commas) throw new NoLiteral()
      items.push(value())
      if (take(',')) commas += 1
    }
    return { items, commas }
  }
  const mapOrSet = (): ParamValue => {
    const pairs: [ParamKey, ParamValue][] = []
    const items: ParamValue[] = []
    while (!take('}')) {
      const key = value()
      if (take(':')) {
        if (typeof key === 'object' && key !== null) throw new NoLiteral()
        pairs.push([key, value()])
      } else items.push(key)
      if (!take(',') && !isBefore('}')) throw new NoLiteral()
    }
    return items.length > 0 ? items : new Map(pairs)
  }
  const value = (): ParamValue => {
    if (take('[')) return listUntil(']').items
    if (take('{')) return mapOrSet()
    if (take('(')) {
      const { items, commas } = listUntil(')')
      return commas === 0 && items.length === 1 ? (items[0] ?? null) : items
    }
    const word = matched(/(?:None|True|False)\b/y)
    if (word !== undefined) return word === 'None' ? null : word === 'True'
    const first = matched(STRING)
    if (first !== undefined) {
      let whole = stringValue(first)
      for (let next = matched(STRING); next !== undefined; next = matched(STRING))
        whole += stringValue(next)
      return whole
    }
    return numberValue(matched(NUMBER))
  }
  return {
    whole: (): ParamValue => {
      const first = value()
      const items = [first]
      while (take(',')) {
        if (isAtEnd()) return items
        items.push(value())
      }
      if (!isAtEnd()) throw new NoLiteral()
      return items.length > 1 ? items : first
    },
  }
}

const STRING =
  /[uUrR]?(?:"""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/y
const NUMBER =
  /[-+]?\s*(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?)(?![\w.])/y

function numberValue(written: string | undefined): bigint | number {
  if (written === undefined) throw new NoLiteral()
  const plain = written.replaceAll(/[_\s+]/g, (sign, index: number) =>
    sign === '+' && index > 0 ? sign : '',
  )
  const negative = plain.startsWith('-')
  const digits = negative ? plain.slice(1) : plain
  if (/^(?:0[xXoObB]|\d+$)/.test(digits)) return negative ? -BigInt(digits) : BigInt(digits)
  return negative ? -Number(digits) : Number(digits)
}

function stringValue(written: string): string {
  const raw = /^[rR]/.test(written)
  const quoted = written.replace(/^[uUrR]/, '')
  const size = /^(?:"""|''')/.test(quoted) ? 3 : 1
  const inner = quoted.slice(size, -size)
  if (raw) return inner
  return inner.replaceAll(
    /\\(\n|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3}|[^])/g,
    (_whole, code: string) => {
      if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16))
      if (/^[0-7]/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8))
      return ESCAPES[code] ?? `\\${code}`
    },
  )
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** What stands between the ends of lines that end a statement, without comments. */
function statementsOf(text: string): { statements: Statement[]; problem: string | undefined } {
  const statements: Statement[] = []
  let now = ''
  let indent = 0
  let depth = 0
  const end = () => {
    if (now.trim() !== '') statements.push({ indent, text: now.trim() })
    now = ''
  }
  const startLine = (from: number) => {
    indent = (/^[ \t]*/.exec(text.slice(from, from + 1000))?.[0] ?? '').replaceAll(
      '\t',
      ' '.repeat(8),
    ).length
  }
  startLine(0)
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ''
    if (sign === '#') {
      const newline = text.indexOf('\n', at)
      at = (newline < 0 ? text.length : newline) - 1
    } else if (sign === '"' || sign === "'") {
      STRING.lastIndex = at
      const found = STRING.exec(text)?.[0]
      if (found === undefined)
        return { statements: [], problem: fault(text, at, 'a text has no end') }
      now += found
      at += found.length - 1
    } else if (sign === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))) {
      now += ' '
      at = text.indexOf('\n', at)
    } else if (depth === 0 && (sign === '\n' || sign === ';')) {
      end()
      if (sign === '\n') startLine(at + 1)
    } else {
      if ('([{'.includes(sign)) depth += 1
      if (')]}'.includes(sign)) depth -= 1
      if (depth < 0) return { statements: [], problem: fault(text, at, `${sign} closes nothing`) }
      now += sign
    }
  }
  if (depth > 0) return { statements: [], problem: 'a bracket is not closed' }
  end()
  return { statements, problem: undefined }
}

function fault(text: string, at: number, what: string): string {
  return `line ${text.slice(0, at).split('\n').length}: ${what}`
}
