import { systemClock } from '#base/clock'
import { modelPythons } from '#executors/environment/model'
import { openProjectLock } from '#stores/dvc/lock'
import { environment } from '../settings/environment.ts'

/** Longer than it takes to build the environment of a large model. */
const BUILT_SECONDS_MAX = 3600

/** Gives models the Pythons that they ask for, each built once in this folder whoever asks for it. */
export function openModelPythons(folder: string): ReturnType<typeof modelPythons> {
  return modelPythons({
    folder,
    environment,
    lockAt: (file) =>
      openProjectLock(file, {
        waitSeconds: BUILT_SECONDS_MAX,
        holder: 'another builder of this environment',
      }),
    nowMs: () => systemClock.nowMs(),
  })
}
