/** DVC's settings: sections by name (`core`, `remote "backup"`), options by lower-case name. */
export type DvcConfig = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Reads an INI text as DVC does. Lines that say nothing are reported and passed over. */
export function readConfig(text: string): { value: DvcConfig; problems: string[] } {
  const sections = new Map<string, Map<string, string>>()
  const problems: string[] = []
  let section: Map<string, string> | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const header = /^\[\s*(.*?)\s*\](?:\s*#.*)?$/.exec(line)
    if (header !== null) {
      const name = sectionName(header[1] ?? '')
      section = sections.get(name) ?? new Map<string, string>()
      sections.set(name, section)
      continue
    }
    const at = line.indexOf('=')
    if (at < 0 || section === undefined)
      problems.push(`line ${index + 1}: expected \`name = value\` in a section`)
    else
      section.set(
        unquoted(line.slice(0, at).trim()).toLowerCase(),
        valueOf(line.slice(at + 1).trim()),
      )
  }
  return { value: sections, problems }
}

/** Settings with those of a higher level laid over them. */
export function mergedConfig(levels: readonly DvcConfig[]): DvcConfig {
  const merged = new Map<string, Map<string, string>>()
  for (const level of levels)
    for (const [name, options] of level)
      merged.set(name, new Map([...(merged.get(name) ?? []), ...options]))
  return merged
}

/** The text with one option set, the rest of it as it was. */
export function withOption(
  text: string,
  option: { section: string; name: string; value: string },
): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const line = `    ${option.name} = ${printedValue(option.value)}`
  const start = lines.findIndex(
    (each) => isHeader(each) && readConfig(each).value.has(option.section),
  )
  if (start < 0) return `${[...lines, printedHeader(option.section), line].join('\n')}\n`
  const rest = lines.slice(start + 1).findIndex(isHeader)
  const end = rest < 0 ? lines.length : start + 1 + rest
  const at = lines.findIndex(
    (each, index) =>
      index > start && index < end && each.split('=')[0]?.trim().toLowerCase() === option.name,
  )
  if (at >= 0) return `${lines.with(at, line).join('\n')}\n`
  return `${lines.toSpliced(end, 0, line).join('\n')}\n`
}

/** Where this is true in DVC's words. */
export function isOn(value: string | undefined): boolean {
  return ['true', 'yes', 'on', '1'].includes((value ?? '').toLowerCase())
}

function isHeader(line: string): boolean {
  return line.trim().startsWith('[')
}

/** Names like `remote "backup"` are quoted as a whole, since they hold blanks and quotes. */
function printedHeader(section: string): string {
  return section.includes('"') ? `['${section}']` : `[${section}]`
}

function sectionName(raw: string): string {
  const name = unquoted(raw)
  const parts = /^(\w+)\s+"(.*)"$/.exec(name)
  return parts === null
    ? name.toLowerCase()
    : `${(parts[1] ?? '').toLowerCase()} "${parts[2] ?? ''}"`
}

function unquoted(text: string): string {
  const quoted = /^(['"])(.*)\1$/.exec(text)
  return quoted === null ? text : (quoted[2] ?? '')
}

function valueOf(raw: string): string {
  const quoted = /^(?:'([^']*)'|"([^"]*)")(?:\s*#.*)?$/.exec(raw)
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? ''
  return raw.replace(/\s+#.*$/, '').trim()
}

function printedValue(value: string): string {
  const needsQuotes = value === '' || /[,#'"]|^\s|\s$/.test(value)
  if (!needsQuotes) return value
  return value.includes('"') ? `'${value}'` : `"${value}"`
}
