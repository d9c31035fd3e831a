import { sha256 } from '#base/digest'
import { isWithin } from '#data'
import type { Graph, Step } from '../graph/graph.ts'
import type { Stage, StageLock } from '../stage.ts'
import type { Run } from './repro-run.ts'
import type { PreparedEnvironment } from '../store.ts'
import type { Sight } from './sight.ts'
import { watchingOf, type Watching } from './watching.ts'

/** What a stage is about to run with. */
export interface About {
  readonly inputs: Pick<StageLock, 'deps' | 'params'>
  readonly environment: PreparedEnvironment
}

/**
 * To follow what a stage looks at takes time, and says the same as long as its command, code, settings and environment
 * are the same: then walls are enough, which keep from it whatever new data might make it look for. Data is what
 * stages make or `.dvc` files track; all else that it reads counts as code.
 */
export async function watchedSparingly(
  run: Run,
  stage: Stage,
  about: About,
): Promise<Watching | undefined> {
  const watching = await watchingOf(run, stage, {
    isWrapped: about.environment.wrapped !== undefined,
  })
  const followed = run.ground.enclosures?.followed
  if (watching?.sight?.watch !== 'strict' || followed === undefined) return watching
  const { sight } = watching
  const definition = definitionOf(stage, { ...about, sight, isData: run.isData })
  // Whoever runs it though nothing changed wants to know.
  const follow = run.options.force === true || !(await followed.has(definition))
  return {
    ...watching,
    sight: { ...sight, follow },
    took: async (report, failure) => {
      if (failure !== null || report?.outcome === 'undeclared') await followed.remove(definition)
      else if (follow && report?.outcome === 'clean') await followed.add(definition)
    },
  }
}

function definitionOf(
  stage: Stage,
  about: About & { sight: Sight; isData: Run['isData'] },
): string {
  const { inputs, environment, sight, isData } = about
  const code = stage.deps.flatMap(({ path, written }) =>
    isData(path) ? [] : [inputs.deps.find((dep) => dep.path === written) ?? { path }],
  )
  return sha256(
    textOf([
      stage.address,
      stage.cmd,
      stage.wdir,
      sight.reads,
      sight.writes,
      sight.grows,
      sight.network,
      sight.variables,
      stage.parts ?? null,
      code,
      inputs.params,
      environment.record?.digest ?? null,
    ]),
  )
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Map) return [...each]
    return typeof each === 'bigint' ? `${each}n` : each
  })
}

/** Tells of paths whether they are made by stages or tracked, all of them. */
export function dataIn({ steps }: Graph): (path: string) => boolean {
  let made: string[] | undefined
  return (path) => {
    made ??= steps.flatMap(pathsMade)
    return made.some((each) => isWithin(path, each))
  }
}

function pathsMade(step: Step): string[] {
  return (step.kind === 'stage' ? step.stage.outs : step.outs).map(({ path }) => path)
}
