import {
  noteKey,
  parseConfig,
  printConfig,
  type ConfigSections,
  type ConfigValue,
} from './config-text.ts'

/** DVC's settings: sections by name (`core`, `remote "backup"`), options by lower-case name. */
export type DvcConfig = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Reads an INI text as DVC does. Lines that say nothing are reported and passed over. */
export function readConfig(text: string): { value: DvcConfig; problems: string[] } {
  const { sections, problems } = parseConfig(text, sectionName)
  const value = new Map(
    [...sections].map(([section, options]) => [
      section,
      new Map([...options].map(([name, each]) => [name, joined(each)])),
    ]),
  )
  return { value, problems: [...problems] }
}

/** Settings with those of a higher level laid over them. */
export function mergedConfig(levels: readonly DvcConfig[]): DvcConfig {
  const merged = new Map<string, Map<string, string>>()
  for (const level of levels)
    for (const [name, options] of level)
      merged.set(name, new Map([...(merged.get(name) ?? []), ...options]))
  return merged
}

/** A change to a settings file. */
export type ConfigChange =
  | {
      readonly kind: 'set'
      readonly section: string
      readonly name: string
      readonly value: string
    }
  | { readonly kind: 'unset'; readonly section: string; readonly name: string }
  /** A section with these options only, in its place if it is there. */
  | {
      readonly kind: 'replace'
      readonly section: string
      readonly options: ReadonlyMap<string, string>
    }
  | { readonly kind: 'drop'; readonly section: string }
  | { readonly kind: 'rename'; readonly section: string; readonly to: string }

/**
 * The text after the changes, as DVC would write the whole file anew: sections in its order, remotes
 * after all others, paths made short by `path`. Unlike DVC, the comments stay.
 */
export function changedConfig(
  text: string,
  changes: readonly ConfigChange[],
  path: (path: string) => string = (same) => same,
): string {
  const { sections, notes } = parseConfig(text, sectionName)
  const above = new Map(notes.above)
  const beside = new Map(notes.beside)
  for (const [section, options] of sections)
    for (const [name, value] of options)
      if (isPathOption(section, name) && typeof value === 'string') options.set(name, path(value))
  for (const change of changes) applyChange(sections, { above, beside }, change)
  return printConfig(inDvcOrder(sections), { ...notes, above, beside })
}

/** Whether relative paths in this option count from the folder of the settings file. */
export function isPathOption(section: string, name: string): boolean {
  if (section === 'cache') return name === 'dir'
  return section.startsWith('remote "') && PATH_OPTIONS.has(name)
}

const PATH_OPTIONS = new Set([
  'url',
  'gdrive_user_credentials_file',
  'gdrive_service_account_json_file_path',
  'credentialpath',
  'configpath',
  'keyfile',
  'cert_path',
  'key_path',
])

export function remoteSection(name: string): string {
  return `remote "${name}"`
}

/** The names of the remotes, in the order of the settings. */
export function remoteNames(config: DvcConfig): string[] {
  return [...config.keys()].flatMap((section) => /^remote "(.*)"$/s.exec(section)?.[1] ?? [])
}

/** Where this is true in DVC's words. */
export function isOn(value: string | undefined): boolean {
  return ['true', 'yes', 'on', '1'].includes((value ?? '').toLowerCase())
}

type Comments = {
  above: Map<string, readonly string[]>
  beside: Map<string, string>
}

function applyChange(sections: ConfigSections, notes: Comments, change: ConfigChange): void {
  const options = sections.get(change.section)
  switch (change.kind) {
    case 'set': {
      const all = options ?? new Map<string, ConfigValue>()
      sections.set(change.section, all.set(change.name, change.value))
      return
    }
    case 'unset':
      options?.delete(change.name)
      return
    case 'replace':
      sections.set(change.section, new Map(change.options))
      return
    case 'drop':
      sections.delete(change.section)
      return
    case 'rename':
      if (options === undefined) return
      sections.delete(change.section)
      sections.set(change.to, options)
      for (const kept of [notes.above, notes.beside] as Map<string, unknown>[])
        for (const name of [undefined, ...options.keys()]) {
          const note = kept.get(noteKey(change.section, name))
          if (note !== undefined) kept.set(noteKey(change.to, name), note)
        }
  }
}

function kindOf(section: string): string | undefined {
  return /^(remote|machine|db) "/.exec(section)?.[1]
}

/** DVC writes plain sections first and leaves out those that are empty, then remotes, machines and databases. */
function inDvcOrder(sections: ConfigSections): ConfigSections {
  const plain = [...sections].filter(
    ([section, options]) => kindOf(section) === undefined && options.size > 0,
  )
  const named = ['remote', 'machine', 'db'].flatMap((kind) =>
    [...sections].filter(([section]) => kindOf(section) === kind),
  )
  return new Map([...plain, ...named])
}

function joined(value: ConfigValue): string {
  return typeof value === 'string' ? value : value.join(',')
}

function sectionName(written: string): string {
  const parts = /^\s*(remote|machine|db)\s*"(.*)"\s*$/is.exec(written)
  return parts === null
    ? written.toLowerCase()
    : `${(parts[1] ?? '').toLowerCase()} "${(parts[2] ?? '').toLowerCase()}"`
}
