import { Problem } from '#base/problem'
import { isWithin, overlaps, type Out } from '#data'
import type { Stage } from './stage.ts'

/** One thing that repro brings up to date: a stage, or data that a `.dvc` file tracks. */
export type Step =
  | { readonly kind: 'stage'; readonly name: string; readonly stage: Stage }
  | { readonly kind: 'data'; readonly name: string; readonly outs: readonly Out[] }

export interface Graph {
  readonly steps: readonly Step[]
  /** By a step's name, the names of the steps that make what it reads, in the order in which it reads them. */
  readonly upstream: ReadonlyMap<string, readonly string[]>
}

/** Who needs whom. Throws a `conflict` where outs overlap or steps need each other in a circle. */
export function graphOf(stages: readonly Stage[], tracked: readonly Out[]): Graph {
  const steps = [...dataSteps(tracked), ...stages.map(stageStep)]
  checkOuts(steps)
  const makers = steps.flatMap((step) => pathsMade(step).map((path) => ({ path, name: step.name })))
  const upstream = new Map<string, string[]>()
  for (const step of steps) {
    const needs = new Set<string>()
    for (const path of pathsRead(step))
      for (const maker of makers) if (overlaps(maker.path, path)) needs.add(maker.name)
    needs.delete(step.name)
    upstream.set(step.name, [...needs])
  }
  const graph = { steps, upstream }
  checkCircles(graph)
  return graph
}

/** Steps in an order in which each comes after all that it needs; of `targets`, with what they need. */
export function inOrder(graph: Graph, targets: readonly string[]): Step[] {
  const byName = new Map(graph.steps.map((step) => [step.name, step]))
  const wanted = targets.length === 0 ? undefined : new Set<string>()
  const reach = (name: string) => {
    if (wanted === undefined || wanted.has(name)) return
    wanted.add(name)
    for (const need of graph.upstream.get(name) ?? []) reach(need)
  }
  for (const target of targets) reach(target)
  const done = new Set<string>()
  const order: Step[] = []
  const visit = (name: string) => {
    if (done.has(name)) return
    done.add(name)
    for (const need of graph.upstream.get(name) ?? []) visit(need)
    const step = byName.get(name)
    if (step !== undefined) order.push(step)
  }
  for (const step of graph.steps)
    if (wanted === undefined || wanted.has(step.name)) visit(step.name)
  return order
}

/** Every step that needs `name`, directly or not. */
export function dependents(graph: Graph, name: string): Set<string> {
  const found = new Set<string>([name])
  for (let grown = true; grown;) {
    grown = false
    for (const [step, needs] of graph.upstream)
      if (!found.has(step) && needs.some((need) => found.has(need))) {
        found.add(step)
        grown = true
      }
  }
  found.delete(name)
  return found
}

function dataSteps(tracked: readonly Out[]): Step[] {
  const files = new Map<string, Out[]>()
  for (const out of tracked) files.set(out.owner.file, [...(files.get(out.owner.file) ?? []), out])
  return [...files].map(([file, outs]) => ({ kind: 'data', name: file, outs }))
}

function stageStep(stage: Stage): Step {
  return { kind: 'stage', name: stage.address, stage }
}

function pathsMade(step: Step): string[] {
  return step.kind === 'data'
    ? step.outs.map(({ path }) => path)
    : step.stage.outs.map(({ path }) => path)
}

function pathsRead(step: Step): string[] {
  if (step.kind === 'data' || step.stage.frozen) return []
  return [...step.stage.deps, ...step.stage.params].map(({ path }) => path)
}

function checkOuts(steps: readonly Step[]): void {
  const made = steps.flatMap((step) => pathsMade(step).map((path) => ({ path, name: step.name })))
  made.sort((one, other) => (one.path < other.path ? -1 : 1))
  // Sorted, whatever lies within a path follows it, up to the first that does not.
  for (const [index, one] of made.entries())
    for (const other of made.slice(index + 1)) {
      if (one.path === other.path)
        throw new Problem(
          'conflict',
          `${one.path} is written by ${one.name} and by ${other.name}; give one of them another output`,
        )
      if (isWithin(other.path, one.path))
        throw new Problem(
          'conflict',
          `${other.path} of ${other.name} lies inside ${one.path} of ${one.name}; move one of them`,
        )
      // Names such as `a-b` sort between `a` and `a/b`.
      if (!other.path.startsWith(one.path)) break
    }
  for (const step of steps) {
    if (step.kind !== 'stage') continue
    const around = made.find(({ path }) => isWithin(step.stage.file, path))
    if (around !== undefined)
      throw new Problem(
        'conflict',
        `${step.stage.file} lies inside ${around.path}, which ${around.name} writes`,
      )
    const loop = step.stage.deps.find((dep) =>
      step.stage.outs.some(({ path }) => path === dep.path),
    )
    if (loop !== undefined)
      throw new Problem(
        'conflict',
        `${step.name} reads ${loop.path} and writes it; give it another output`,
      )
  }
}

function checkCircles(graph: Graph): void {
  const finished = new Set<string>()
  const walk = (name: string, trail: readonly string[]) => {
    if (finished.has(name)) return
    const at = trail.indexOf(name)
    if (at >= 0)
      throw new Problem(
        'conflict',
        `the stages ${[...trail.slice(at), name].join(' -> ')} need each other in a circle; cut one dependency`,
      )
    for (const need of graph.upstream.get(name) ?? []) walk(need, [...trail, name])
    finished.add(name)
  }
  for (const { name } of graph.steps) walk(name, [])
}
