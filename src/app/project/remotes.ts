import { Problem } from '#base/problem'
import { isPathOption, remoteNames, remoteSection, type ConfigChange } from '#protocols/dvc/config'
import {
  changeConfig,
  CONFIG_LEVELS,
  readLevel,
  readLevels,
  storedPath,
  type ConfigLevel,
  type ConfigPlace,
} from './config.ts'

export interface NamedRemote {
  readonly name: string
  readonly url: string
  readonly default: boolean
}

/** The remotes that a level names; those of all levels without one. */
export function listRemotes(place: ConfigPlace, level?: ConfigLevel): NamedRemote[] {
  const config = level === undefined ? readLevels(place) : readLevel(place, level)
  const first = config.get('core')?.get('remote')
  return remoteNames(config).map((name) => ({
    name,
    url: config.get(remoteSection(name))?.get('url') ?? '',
    default: name === first,
  }))
}

/** Names a folder or an address as a remote. */
export function addRemote(
  place: ConfigPlace,
  remote: { name: string; url: string; isDefault: boolean; force: boolean; level?: ConfigLevel },
): void {
  const { level = 'project' } = remote
  const name = checkedName(remote.name)
  if (isThere(place, level, name) && !remote.force)
    throw new Problem('exists', `there is a remote ${name} already; use --force to change it`)
  const options = new Map([['url', storedPath(place, level, remote.url)]])
  changeConfig(place, level, [
    { kind: 'replace', section: remoteSection(name), options },
    ...(remote.isDefault ? [asDefault(name)] : []),
  ])
}

/** Sets or unsets one option of a remote, whichever level named it. */
export function modifyRemote(
  place: ConfigPlace,
  remote: {
    name: string
    option: string
    /** Undefined takes the option out. */
    value: string | undefined
    level?: ConfigLevel
  },
): void {
  const { level = 'project', value } = remote
  const section = remoteSection(remote.name.toLowerCase())
  if (!remoteNames(readUpTo(place, level)).includes(remote.name.toLowerCase()))
    throw noRemote(place, remote.name)
  const name = remote.option.toLowerCase()
  const own = readLevel(place, level).get(section)
  if (value !== undefined) return setOption(place, level, { section, name, value })
  changeConfig(place, level, [
    // Taking out what is not there leaves a section without options, as with DVC.
    ...(own === undefined ? [{ kind: 'replace', section, options: new Map() } as const] : []),
    { kind: 'unset', section, name },
  ])
}

/** Takes a remote away, and its name as the default one wherever that would lead nowhere. */
export function removeRemote(
  place: ConfigPlace,
  remote: { name: string; level?: ConfigLevel },
): void {
  const { level = 'project' } = remote
  const name = remote.name.toLowerCase()
  if (!isThere(place, level, name)) throw noRemote(place, remote.name, level)
  changeConfig(place, level, [
    { kind: 'drop', section: remoteSection(name) },
    ...defaultsTo(place, level, name).map(withoutDefault),
  ])
  for (const above of levelsAbove(level))
    if (defaultsTo(place, above, name).length > 0) changeConfig(place, above, [withoutDefault()])
}

export function renameRemote(
  place: ConfigPlace,
  remote: { name: string; to: string; level?: ConfigLevel },
): void {
  const { level = 'project' } = remote
  const name = remote.name.toLowerCase()
  const to = checkedName(remote.to)
  if (remoteNames(readLevels(place)).includes(to))
    throw new Problem('exists', `there is a remote ${to} already; choose another name`)
  if (!isThere(place, level, name)) throw noRemote(place, remote.name, level)
  const asNew = (each: ConfigLevel) => defaultsTo(place, each, name).map(() => asDefault(to))
  changeConfig(place, level, [
    { kind: 'rename', section: remoteSection(name), to: remoteSection(to) },
    ...asNew(level),
  ])
  for (const above of levelsAbove(level)) {
    const changes = asNew(above)
    if (changes.length > 0) changeConfig(place, above, changes)
  }
}

/** Which remote is the default one; undefined where none is. */
export function defaultRemote(place: ConfigPlace, level?: ConfigLevel): string | undefined {
  const config = level === undefined ? readLevels(place) : readLevel(place, level)
  return config.get('core')?.get('remote')
}

/** Makes a remote the default one, or none of them. */
export function setDefaultRemote(
  place: ConfigPlace,
  name: string | undefined,
  level: ConfigLevel = 'project',
): void {
  if (name === undefined) return changeConfig(place, level, [withoutDefault()])
  if (!remoteNames(readUpTo(place, level)).includes(name.toLowerCase())) throw noRemote(place, name)
  changeConfig(place, level, [asDefault(name.toLowerCase())])
}

/** Sets an option; a path as it was given where the command was called. */
export function setOption(
  place: ConfigPlace,
  level: ConfigLevel,
  { section, name, value }: { section: string; name: string; value: string },
): void {
  const stored = isPathOption(section, name) ? storedPath(place, level, value) : value
  changeConfig(place, level, [{ kind: 'set', section, name, value: stored }])
}

function asDefault(name: string): ConfigChange {
  return { kind: 'set', section: 'core', name: 'remote', value: name }
}

function withoutDefault(): ConfigChange {
  return { kind: 'unset', section: 'core', name: 'remote' }
}

function defaultsTo(place: ConfigPlace, level: ConfigLevel, name: string): string[] {
  const found = readLevel(place, level).get('core')?.get('remote')
  return found === name ? [found] : []
}

function levelsAbove(level: ConfigLevel): ConfigLevel[] {
  return CONFIG_LEVELS.slice(CONFIG_LEVELS.indexOf(level) + 1)
}

function readUpTo(place: ConfigPlace, level: ConfigLevel) {
  return readLevels(place, CONFIG_LEVELS.slice(0, CONFIG_LEVELS.indexOf(level) + 1))
}

function isThere(place: ConfigPlace, level: ConfigLevel, name: string): boolean {
  return readLevel(place, level).has(remoteSection(name))
}

/** Names become parts of a settings file, so they hold nothing that would end them. DVC makes them lower-case. */
function checkedName(name: string): string {
  if (/^[\w.-]+$/.test(name)) return name.toLowerCase()
  throw new Problem('invalid', `${name} is no name for a remote; use letters, digits, . _ and -`)
}

function noRemote(place: ConfigPlace, name: string, level?: ConfigLevel): Problem {
  const there = listRemotes(place, level).map((remote) => remote.name)
  return new Problem(
    'not-found',
    `there is no remote ${name}${level === undefined ? '' : ` in the ${level} settings`}; there ${there.length === 1 ? 'is' : 'are'} ${there.join(', ') || 'none'}`,
  )
}
