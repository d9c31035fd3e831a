import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#base/clock'
import {
  createImports,
  movingSteps,
  type DataStep,
  type ImportDependencies,
  type Imports,
} from '#data'
import { printImportFile, readImportFile, withImport } from '#protocols/dvc/import-file'
import { writeWhole } from '#stores/dvc/atomic'
import type { TreeFormat } from '#stores/dvc/measure'
import type { ObjectFolder } from '#stores/dvc/objects'
import { openAddresses } from './addresses.ts'
import { openPassage } from './courier.ts'
import { openRemote } from './remote.ts'
import type { ProjectSettings } from './settings.ts'
import { openSources } from './sources.ts'

export interface ImportsGround extends Pick<
  ImportDependencies,
  'workspace' | 'catalog' | 'versionControl' | 'locks'
> {
  readonly root: string
  /** Of what only passes through. */
  readonly sending: string
  readonly clock: Clock
  readonly settings: ProjectSettings
  readonly cache: ObjectFolder
  readonly trees: TreeFormat
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly onStep?: ((step: DataStep) => void) | undefined
}

/** Imports of a project: what comes in goes into its own cache. */
export function openImports(ground: ImportsGround): Imports {
  const { root, cache, trees, variables, settings, onStep } = ground
  const mirrors = join(root, '.dvc', 'tmp', 'orrery', 'mirrors')
  return createImports({
    ...ground,
    remote: async (name) => openRemote(settings, name, { cache, trees, variables }),
    sources: openSources({ base: root, mirrors, cache, trees, variables, onStep }),
    addresses: openAddresses({ root, cache, settings, variables, onStep }),
    passage: async (name) => {
      const { cache: passing, close } = openPassage({ ...ground, folder: ground.sending })
      return {
        cache: passing,
        remote: await openRemote(settings, name, { cache: passing, trees, variables }),
        addresses: openAddresses({ root, cache: passing, settings, variables, onStep }),
        moving: movingSteps('sent', onStep),
        close,
      }
    },
    imports: {
      read: async (file) => {
        const whole = join(root, file)
        return existsSync(whole) ? readImportFile(readFileSync(whole, 'utf8')) : undefined
      },
      write: async (file, imported, how) => {
        const whole = join(root, file)
        const before = existsSync(whole) ? readFileSync(whole, 'utf8') : undefined
        const after =
          before === undefined || readImportFile(before) === undefined
            ? printImportFile(imported, how)
            : withImport(before, imported)
        if (after !== before) writeWhole(whole, after)
      },
    },
  })
}
