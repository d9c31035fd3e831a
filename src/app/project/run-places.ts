import type { RunPlaces } from '#data'
import { readRun, runKey, runValue } from '#protocols/dvc/run-cache'
import { isRunNamed, outsOfRun } from '#stores/dvc/run-cache'
import { folderHistory } from '#stores/dvc/run-history'
import { openRemoteHistory } from './remote.ts'
import type { ProjectSettings } from './settings.ts'

/** The run caches of a project and of its remotes. */
export function runPlaces(
  settings: ProjectSettings,
  variables: Readonly<Record<string, string | undefined>>,
): RunPlaces {
  return {
    here: folderHistory(settings.cacheFolder),
    at: (remote) => openRemoteHistory(settings, remote, variables),
    outsOf: (name, text) => {
      const run = readRun(text)
      const format = { key: runKey, value: runValue }
      return run !== undefined && isRunNamed(format, run, name) ? outsOfRun(run) : undefined
    },
  }
}
