import type { Argv } from 'yargs'
import { Problem } from '#base/problem'
import { environment } from '#app/settings/environment'
import type { ConfigLevel, ConfigPlace } from '#app/project/config'
import { projectRootOf } from '#app/project/root'

interface LevelFlags {
  global: boolean
  system: boolean
  project: boolean
  local: boolean
  quiet: boolean
}

function flag(describe: string) {
  return { type: 'boolean', default: false, describe } as const
}

/** The options that say whose settings are meant. */
export function levelFlags<T>(argv: Argv<T>): Argv<T & LevelFlags> {
  return argv
    .option('global', flag('Your own settings, for all projects'))
    .option('system', flag('The settings of this machine'))
    .option('project', flag('The project’s settings, .dvc/config'))
    .option('local', flag('Your own settings for this project, .dvc/config.local'))
    .option('quiet', { ...flag('Say nothing but what was asked for'), alias: 'q' })
}

/** The level that the flags name; undefined without one. */
export function levelOf(flags: LevelFlags): ConfigLevel | undefined {
  const named = (['global', 'system', 'project', 'local'] as const).filter((level) => flags[level])
  if (named.length > 1)
    throw new Problem(
      'invalid',
      `${named.map((level) => `--${level}`).join(' and ')} exclude each other; use one`,
    )
  return named[0]
}

/** Where settings are looked for: the project that the command was called in, if it was in one. */
export function settingsHere(cwd: string = process.cwd()): ConfigPlace {
  return { root: rootOrNone(cwd), variables: environment }
}

function rootOrNone(cwd: string): string | undefined {
  try {
    return projectRootOf(cwd)
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined
    throw error
  }
}
