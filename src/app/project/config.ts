import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { Problem } from '#base/problem'
import {
  changedConfig,
  isPathOption,
  mergedConfig,
  readConfig,
  type ConfigChange,
  type DvcConfig,
} from '#protocols/dvc/config'
import { configFaults } from '#protocols/dvc/config-schema'
import { writeWhole } from '#stores/dvc/atomic'

/** Whose settings: each is laid over those before it. */
export type ConfigLevel = 'system' | 'global' | 'project' | 'local'

export const CONFIG_LEVELS: readonly ConfigLevel[] = ['system', 'global', 'project', 'local']

export interface ConfigPlace {
  /** Undefined outside a project, where only the user's and the system's settings are. */
  readonly root: string | undefined
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** The settings file of a level. Throws `not-found` for one of a project where there is none. */
export function configFile(place: ConfigPlace, level: ConfigLevel): string {
  const { root, variables } = place
  if (level === 'system')
    return join(variables['DVC_SYSTEM_CONFIG_DIR'] ?? '/etc/xdg/dvc', 'config')
  if (level === 'global')
    return join(
      variables['DVC_GLOBAL_CONFIG_DIR'] ??
        join(variables['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'dvc'),
      'config',
    )
  if (root === undefined)
    throw new Problem(
      'not-found',
      'this is not inside a project, which would have settings of its own; use --global or --system, or run `orrery init`',
    )
  return join(root, '.dvc', level === 'local' ? 'config.local' : 'config')
}

/** One level's settings, in which relative paths count from the folder of the file. */
export function readLevel(place: ConfigPlace, level: ConfigLevel): DvcConfig {
  const file = configFile(place, level)
  const value = withAbsolutePaths(parsed(file, textOf(file)), dirname(file))
  return value
}

/** The settings of these levels together, checked as DVC checks them. */
export function readLevels(
  place: ConfigPlace,
  levels: readonly ConfigLevel[] = CONFIG_LEVELS,
): DvcConfig {
  const there = place.root === undefined ? levels.filter(isOutsideProjects) : levels
  const merged = mergedConfig(there.map((level) => readLevel(place, level)))
  const [fault] = configFaults(merged)
  if (fault !== undefined)
    throw new Problem('invalid', `the settings (${filesOf(place, there)}) are not right: ${fault}`)
  return merged
}

/** Changes a level's file. Nothing is written that DVC would refuse. */
export function changeConfig(
  place: ConfigPlace,
  level: ConfigLevel,
  changes: readonly ConfigChange[],
): void {
  const file = configFile(place, level)
  const before = textOf(file)
  parsed(file, before)
  const folder = dirname(file)
  const after = changedConfig(before, changes, (path) => shortPath(path, folder))
  const below = CONFIG_LEVELS.slice(0, CONFIG_LEVELS.indexOf(level)).filter(
    (each) => place.root !== undefined || isOutsideProjects(each),
  )
  const merged = mergedConfig([
    ...below.map((each) => readLevel(place, each)),
    withAbsolutePaths(parsed(file, after), folder),
  ])
  const [fault] = configFaults(merged)
  if (fault !== undefined)
    throw new Problem('invalid', `${shownFile(place, file)} stays as it was: ${fault}`)
  mkdirSync(folder, { recursive: true })
  writeWhole(file, after)
}

/** A path as it was given at the command line, as the level's file names it: relative to its own folder. */
export function storedPath(place: ConfigPlace, level: ConfigLevel, path: string): string {
  if (isUrl(path) || isAbsolute(path) || path.startsWith('~')) return path
  return relativePath(dirname(configFile(place, level)), resolve(path))
}

/** A settings file as one names it: those of the project from its root. */
export function shownFile({ root }: ConfigPlace, file: string): string {
  return root !== undefined && file.startsWith(`${root}/`) ? relative(root, file) : file
}

function filesOf(place: ConfigPlace, levels: readonly ConfigLevel[]): string {
  return levels
    .map((level) => configFile(place, level))
    .filter((file) => existsSync(file))
    .map((file) => shownFile(place, file))
    .join(', ')
}

function isOutsideProjects(level: ConfigLevel): boolean {
  return level === 'system' || level === 'global'
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function parsed(file: string, text: string): DvcConfig {
  const { value, problems } = readConfig(text)
  if (problems.length > 0)
    throw new Problem('invalid', `${file} has faults: ${problems.join('; ')}`)
  return value
}

export function withAbsolutePaths(config: DvcConfig, folder: string): DvcConfig {
  return new Map(
    [...config].map(([section, options]) => [
      section,
      new Map(
        [...options].map(([name, text]) => [
          name,
          isPathOption(section, name) ? absolutePath(text, folder) : text,
        ]),
      ),
    ]),
  )
}

function isUrl(path: string): boolean {
  return /^\w+:\/\//.test(path)
}

function absolutePath(path: string, folder: string): string {
  if (isUrl(path)) return path
  return path === '~' || path.startsWith('~/')
    ? join(homedir(), path.slice(1))
    : resolve(folder, path)
}

/** DVC writes relative paths anew, without detours. */
function shortPath(path: string, folder: string): string {
  if (isUrl(path) || isAbsolute(path) || path.startsWith('~')) return path
  return relativePath(folder, resolve(folder, path))
}

function relativePath(from: string, to: string): string {
  return relative(from, to) || '.'
}
