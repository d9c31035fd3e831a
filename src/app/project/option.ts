import { Problem } from '#base/problem'
import { remoteSection, type DvcConfig } from '#protocols/dvc/config'
import {
  changeConfig,
  CONFIG_LEVELS,
  configFile,
  readLevel,
  shownFile,
  type ConfigLevel,
  type ConfigPlace,
} from './config.ts'

/** An option by its place in the settings. */
export interface OptionName {
  readonly section: string
  readonly name: string
}

export interface Setting {
  /** As one names it: `core.remote`, `remote.backup.url`. */
  readonly name: string
  readonly value: string
  readonly level: ConfigLevel
  readonly file: string
}

/** Reads `section.option` and `remote.name.option`. */
export function settingNamed(text: string): OptionName {
  const [, kind, section, name] = /^(?:(remote|db)\.)?([^.]*)\.([^.]*)$/.exec(text) ?? []
  if (section === undefined || name === undefined)
    throw new Problem(
      'invalid',
      `${text} is no name of a setting; write section.option, as in core.remote, or remote.name.option`,
    )
  const lower = section.toLowerCase()
  if (kind === 'remote') return { section: remoteSection(lower), name: name.toLowerCase() }
  return { section: kind === undefined ? lower : `db "${lower}"`, name: name.toLowerCase() }
}

/** All settings, those of the machine first. */
export function listSettings(place: ConfigPlace, level?: ConfigLevel): Setting[] {
  return levelsOf(place, level).flatMap((each) => {
    const file = shownFile(place, configFile(place, each))
    return namedFirst(readLevel(place, each)).flatMap(([section, options]) =>
      [...options].map(([name, value]) => ({
        name: shownName({ section, name }),
        value,
        level: each,
        file,
      })),
    )
  })
}

/** The setting that counts; of one level, throws where that has it not. */
export function findSetting(
  place: ConfigPlace,
  level: ConfigLevel | undefined,
  option: OptionName,
): Setting | undefined {
  for (const each of levelsOf(place, level).toReversed()) {
    const value = readLevel(place, each).get(option.section)?.get(option.name)
    if (value !== undefined)
      return {
        name: shownName(option),
        value,
        level: each,
        file: shownFile(place, configFile(place, each)),
      }
  }
  if (level !== undefined) throw notSet(place, level, option)
  return undefined
}

export function unsetOption(
  place: ConfigPlace,
  level: ConfigLevel = 'project',
  option: OptionName,
): void {
  if (readLevel(place, level).get(option.section)?.has(option.name) !== true)
    throw notSet(place, level, option)
  changeConfig(place, level, [{ kind: 'unset', ...option }])
}

function notSet(place: ConfigPlace, level: ConfigLevel, option: OptionName): Problem {
  return new Problem(
    'not-found',
    `${shownName(option)} is not set in ${shownFile(place, configFile(place, level))}; \`orrery config --list --show-origin\` tells what is set where`,
  )
}

function levelsOf(place: ConfigPlace, level: ConfigLevel | undefined): readonly ConfigLevel[] {
  if (level !== undefined) return [level]
  return place.root === undefined ? ['system', 'global'] : CONFIG_LEVELS
}

function isNamed([section]: readonly [string, unknown]): boolean {
  return section.includes('"')
}

/** DVC lists remotes and databases before the rest. */
function namedFirst(config: DvcConfig): [string, ReadonlyMap<string, string>][] {
  const all = [...config]
  return [...all.filter(isNamed), ...all.filter((each) => !isNamed(each))]
}

function shownName({ section, name }: OptionName): string {
  const [, kind, own] = /^(\w+) "(.*)"$/.exec(section) ?? []
  return kind === undefined ? `${section}.${name}` : `${kind}.${own ?? ''}.${name}`
}
