import { Problem } from '#base/problem'
import { overlaps } from '#data'
import { groupsOf, type Needs } from './drawing.ts'
import { graphOf, type Step } from './graph.ts'
import { pathsRead } from '../stage.ts'
import type { LoadedPipelines } from '../store.ts'

export interface MapRequest {
  /** Steps or outputs; all without one. */
  readonly targets: readonly string[]
  /** Outputs instead of steps. */
  readonly outs: boolean
  /** With everything that hangs together with the targets, not only what they need. */
  readonly full: boolean
  /** Stages of one foreach or matrix as one. */
  readonly collapsed: boolean
}

/** Who needs whom, as far as it was asked for. Throws `not-found` for a target that is none. */
export function pipelineMap(loaded: LoadedPipelines, request: MapRequest): Needs {
  const { steps, upstream } = graphOf(loaded.stages, loaded.tracked)
  const whole = request.outs
    ? outNeeds(steps)
    : new Map(steps.map(({ name }) => [name, upstream.get(name) ?? []]))
  const named = request.targets.flatMap((target) => nodesNamed(steps, target, request.outs))
  const wanted = named.length === 0 ? whole : around(whole, named, request.full)
  return request.collapsed && !request.outs ? collapsed(wanted) : wanted
}

function outNeeds(steps: readonly Step[]): Map<string, string[]> {
  const all = steps.flatMap(outsOf)
  return new Map(
    steps.flatMap((step) => {
      const read = step.kind === 'data' || step.stage.frozen ? [] : pathsRead(step.stage)
      const needed = all.filter((out) => read.some((path) => overlaps(out, path)))
      return outsOf(step).map((out): [string, string[]] => [out, needed])
    }),
  )
}

function outsOf(step: Step): string[] {
  return (step.kind === 'data' ? step.outs : step.stage.outs).map(({ path }) => path)
}

function nodesNamed(steps: readonly Step[], target: string, outs: boolean): string[] {
  const found = steps.filter(
    (step) =>
      step.name === target ||
      step.name.startsWith(`${target}@`) ||
      (step.kind === 'stage' && step.stage.file === target) ||
      outsOf(step).includes(target),
  )
  if (found.length === 0)
    throw new Problem(
      'not-found',
      `${target} names no stage, no pipeline file and no output; \`orrery stage list --all\` lists the stages`,
    )
  if (!outs) return found.map(({ name }) => name)
  return found.flatMap((step) => (outsOf(step).includes(target) ? [target] : outsOf(step)))
}

function around(whole: Needs, named: readonly string[], full: boolean): Needs {
  if (full)
    return new Map(
      groupsOf(whole)
        .filter((group) => named.some((name) => group.has(name)))
        .flatMap((group) => Array.from(group)),
    )
  const reached = new Set(named)
  for (const name of reached) for (const need of whole.get(name) ?? []) reached.add(need)
  return new Map([...whole].filter(([name]) => reached.has(name)))
}

/** The group of a stage that was made by foreach or matrix. */
function short(name: string): string {
  return name.endsWith('.dvc') ? name : (name.split('@')[0] ?? name)
}

function collapsed(whole: Needs): Needs {
  const merged = new Map<string, Set<string>>()
  for (const [name, needed] of whole) {
    const own = merged.get(short(name)) ?? new Set()
    for (const need of needed) if (short(need) !== short(name)) own.add(short(need))
    merged.set(short(name), own)
  }
  return new Map([...merged].map(([name, needed]) => [name, [...needed]]))
}
