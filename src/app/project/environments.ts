import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import type { Requirements } from '#executors/environment/index'
import type { Environments } from '#stages'
import { openProjectLock } from '#stores/dvc/lock'
import { declaredIn } from './declared.ts'

interface EnvironmentsGround {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder of the Python environments that stages run in; asked for when one is needed. */
  readonly environments: string | (() => Promise<string>)
}

/** Looks into orrery.yaml only when a stage really runs. */
export function environmentsOf(root: string, ground: EnvironmentsGround): Environments {
  return {
    own: ground.variables,
    prepare: async (_name, onProgress, signal) => {
      const { virtualEnvironments } = await import('#executors/environment/index')
      const { environment } = await declaredIn(root)
      const { environments } = ground
      const built = virtualEnvironments({
        spec: {
          python: environment?.python,
          requirements: requirementsAt(root, environment?.requirements),
        },
        folder: typeof environments === 'string' ? environments : await environments(),
        environment: ground.variables,
        // Installing may take long, and whoever waits needs the result.
        lockAt: (file) =>
          openProjectLock(file, {
            waitSeconds: 3600,
            holder: 'another builder of this environment',
          }),
      })
      return built.prepare(onProgress, signal)
    },
  }
}

function requirementsAt(root: string, path: string | undefined): Requirements | undefined {
  if (path === undefined) return undefined
  const file = join(root, path)
  if (!existsSync(file))
    throw new Problem(
      'not-found',
      `orrery.yaml names ${path} as the requirements, which does not exist`,
    )
  return { file, text: withIncluded(file, new Set()) }
}

/** A requirements file with those that it names by -r and -c. */
function withIncluded(file: string, seen: Set<string>): string {
  if (seen.has(file) || !existsSync(file)) return ''
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const named = [...text.matchAll(/^\s*(?:-[rc]|--requirement|--constraint)[\s=]*(\S+)/gm)]
  return [
    text,
    ...named.map((match) => withIncluded(resolve(dirname(file), match[1] ?? ''), seen)),
  ].join('\n')
}
