/** One line of settings: a text, or several with commas between. */
export type ConfigValue = string | readonly string[]

/** Sections by their names as written, options by theirs; the order is that of the text. */
export type ConfigSections = Map<string, Map<string, ConfigValue>>

export interface ConfigNotes {
  /** Comments at the top, apart from the first section by a blank line. */
  readonly head: readonly string[]
  /** Comments above the last line end. */
  readonly tail: readonly string[]
  /** Comments above a section or an option and beside it. */
  readonly above: ReadonlyMap<string, readonly string[]>
  readonly beside: ReadonlyMap<string, string>
}

export interface ConfigText {
  readonly sections: ConfigSections
  readonly notes: ConfigNotes
  readonly problems: readonly string[]
}

/** Where a comment of a section, or of an option in it, is found among the notes. */
export function noteKey(section: string, option?: string): string {
  return option === undefined ? section : `${section}\n${option}`
}

const HEADER = /^\s*\[\s*("\s*\S.*?\s*"|'\s*\S.*?\s*'|[^'"\s].*?)\s*\]\s*(#.*)?$/
const OPTION = /^\s*(".*?"|'.*?'|[^'"=].*?)\s*=\s*(.*)$/

/** Reads the INI dialect of ConfigObj, in which DVC's settings are written. `nameOf` gives a section its proper name. */
export function parseConfig(text: string, nameOf: (written: string) => string): ConfigText {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const sections: ConfigSections = new Map()
  const problems: string[] = []
  const above = new Map<string, readonly string[]>()
  const beside = new Map<string, string>()
  const head: string[] = []
  let waiting: string[] = []
  let section: { name: string; options: Map<string, ConfigValue> } | undefined
  const take = (key: string, comment: string) => {
    if (waiting.some((line) => line !== '')) above.set(key, waiting)
    if (comment !== '') beside.set(key, comment)
    waiting = []
  }
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const fault = (message: string) => problems.push(`line ${index + 1}: ${message}`)
    if (line.trim() === '' || line.trim().startsWith('#')) {
      if (sections.size === 0 && line.trim() === '' && waiting.length > 0) {
        head.push(...waiting, '')
        waiting = []
      } else if (index < lines.length - 1) waiting.push(line.trim())
      continue
    }
    const header = HEADER.exec(line)
    if (header !== null) {
      const name = nameOf(unquoted(header[1] ?? ''))
      section = { name, options: sections.get(name) ?? new Map<string, ConfigValue>() }
      sections.set(name, section.options)
      take(noteKey(name), header[2] ?? '')
      continue
    }
    const option = OPTION.exec(line)
    if (option === null || section === undefined) {
      fault('expected `name = value` in a section')
      continue
    }
    const long = longValue(lines, index, option[2] ?? '')
    const read = long ?? readValue(option[2] ?? '')
    if (read === undefined) {
      fault('the value is not written as DVC reads it; put it in quotes')
      continue
    }
    index += long?.lines ?? 0
    const name = unquoted(option[1] ?? '').toLowerCase()
    section.options.set(name, read.value)
    take(noteKey(section.name, name), read.comment)
  }
  const tail = waiting.some((line) => line !== '') ? waiting : []
  return { sections, notes: { head, tail, above, beside }, problems }
}

/** The text that ConfigObj writes, with the notes in their places. */
export function printConfig(sections: ConfigSections, notes: ConfigNotes): string {
  const lines = [...notes.head]
  const push = (key: string, line: string, indent: string) => {
    for (const note of notes.above.get(key) ?? []) lines.push(note === '' ? '' : indent + note)
    const comment = notes.beside.get(key)
    lines.push(comment === undefined ? line : `${line}  ${comment}`)
  }
  for (const [section, options] of sections) {
    push(noteKey(section), `[${quoted(section)}]`, '')
    for (const [option, value] of options)
      push(noteKey(section, option), `    ${quoted(option)} = ${printedValue(value)}`, '    ')
  }
  lines.push(...notes.tail)
  // An empty file has one line end, as ConfigObj has it.
  return `${lines.join('\n')}\n`
}

function unquoted(text: string): string {
  const found = /^(['"])(.*)\1$/s.exec(text)
  return found === null ? text : (found[2] ?? '')
}

/** A value in three quotes, which may go over several lines. */
function longValue(
  lines: readonly string[],
  index: number,
  raw: string,
): { value: string; comment: string; lines: number } | undefined {
  const mark = raw.slice(0, 3)
  if (mark !== "'''" && mark !== '"""') return undefined
  const closed = mark === "'''" ? /^(.*?)'''\s*(#.*)?$/s : /^(.*?)"""\s*(#.*)?$/s
  let text = raw.slice(3)
  for (let more = 0; index + more < lines.length; more++) {
    if (more > 0) text += `\n${lines[index + more] ?? ''}`
    const found = closed.exec(text)
    if (found !== null) return { value: found[1] ?? '', comment: found[2] ?? '', lines: more }
  }
  return undefined
}

/** Undefined where quotes do not close, or something follows them. */
function readValue(raw: string): { value: ConfigValue; comment: string } | undefined {
  const items: string[] = []
  let rest = raw.trimStart()
  let commas = 0
  while (rest !== '' && !rest.startsWith('#')) {
    const item = /^(?:"([^"]*)"|'([^']*)'|([^'",#][^,#]*))/.exec(rest)
    if (item === null) {
      if (commas === 0 && /^,\s*(?:#.*)?$/.test(rest))
        return { value: [], comment: rest.slice(1).trim() }
      return undefined
    }
    items.push(item[1] ?? item[2] ?? (item[3] ?? '').trimEnd())
    rest = rest.slice(item[0].length).trimStart()
    if (rest.startsWith(',')) {
      commas += 1
      rest = rest.slice(1).trimStart()
    } else if (rest !== '' && !rest.startsWith('#')) return undefined
  }
  return { value: commas > 0 ? items : (items[0] ?? ''), comment: rest }
}

function printedValue(value: ConfigValue): string {
  if (typeof value === 'string') return isLong(value) ? longQuoted(value) : quoted(value)
  if (value.length === 0) return ','
  if (value.length === 1) return `${quoted(value[0] ?? '')},`
  return value.map(quoted).join(', ')
}

function isLong(value: string): boolean {
  return value.includes('\n') || (value.includes("'") && value.includes('"'))
}

function longQuoted(value: string): string {
  return value.includes("'''") ? `"""${value}"""` : `'''${value}'''`
}

function quoted(text: string): string {
  if (text === '') return '""'
  const isPlain = !/^[\s'"]|[\s'"]$/.test(text) && !/[,#]/.test(text)
  if (isPlain) return text
  return text.includes('"') ? `'${text}'` : `"${text}"`
}
