import { Problem } from '#base/problem'
import type { Out } from '#data'
import type { Stage } from '../stage.ts'

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
  const makersOf = makersIn(steps)
  const upstream = new Map<string, string[]>()
  for (const step of steps) {
    const needs = new Set(pathsRead(step).flatMap(makersOf))
    needs.delete(step.name)
    upstream.set(step.name, [...needs])
  }
  const graph = { steps, upstream }
  checkCircles(graph)
  return graph
}

interface Maker {
  readonly path: string
  readonly name: string
  /** Among all that is made. */
  readonly index: number
}

/** Who makes a path, something around it, or something inside it, in the order of the steps. */
function makersIn(steps: readonly Step[]): (path: string) => string[] {
  const makers: Maker[] = steps
    .flatMap((step) => pathsMade(step).map((path) => ({ path, name: step.name })))
    .map(({ path, name }, index) => ({ path, name, index }))
  const at = new Map(makers.map((maker) => [maker.path, maker]))
  const sorted = makers.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  return (path) => {
    if (path === '') return makers.map(({ name }) => name)
    const found = [path, ...foldersOf(path)].flatMap((each) => at.get(each) ?? [])
    const inside = `${path}/`
    for (let next = placeOf(sorted, inside); sorted[next]?.path.startsWith(inside) === true; next++)
      found.push(sorted[next] as Maker)
    return found.toSorted((one, other) => one.index - other.index).map(({ name }) => name)
  }
}

/** The folders that a path lies in. */
function foldersOf(path: string): string[] {
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    folders.push(path.slice(0, end))
  return folders
}

/** Where the first path is that is not before `path`. */
function placeOf(sorted: readonly Maker[], path: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle]?.path ?? '') < path) low = middle + 1
    else high = middle
  }
  return low
}

/** Steps in an order in which each comes after all that it needs; of `targets`, with what they need. */
export function inOrder(graph: Graph, targets: readonly string[]): Step[] {
  const byName = new Map(graph.steps.map((step) => [step.name, step]))
  const starts = targets.length === 0 ? undefined : reached(graph.upstream, targets)
  const done = new Set<string>()
  const order: Step[] = []
  for (const { name } of graph.steps)
    if (starts === undefined || starts.has(name))
      needsFirst(graph, name, done, (each) => {
        const step = byName.get(each)
        if (step !== undefined) order.push(step)
      })
  return order
}

/** Names, and all that can be reached from them. */
function reached(
  next: ReadonlyMap<string, readonly string[]>,
  names: Iterable<string>,
): Set<string> {
  const found = new Set(names)
  // A set goes on with what is added to it meanwhile.
  for (const name of found) for (const each of next.get(name) ?? []) found.add(each)
  return found
}

/** Visits what a step needs, in its order, and then the step. Without recursion: a chain may be long. */
function needsFirst(
  { upstream }: Pick<Graph, 'upstream'>,
  start: string,
  done: Set<string>,
  visit: (name: string) => void,
): void {
  const trail: { name: string; needs: readonly string[]; next: number }[] = []
  const open = new Set<string>()
  const enter = (name: string) => {
    if (done.has(name)) return
    if (open.has(name)) throw circle([...trail.map((each) => each.name), name])
    open.add(name)
    trail.push({ name, needs: upstream.get(name) ?? [], next: 0 })
  }
  enter(start)
  for (let last = trail.at(-1); last !== undefined; last = trail.at(-1)) {
    const need = last.needs[last.next++]
    if (need !== undefined) {
      enter(need)
      continue
    }
    trail.pop()
    open.delete(last.name)
    done.add(last.name)
    visit(last.name)
  }
}

function circle(trail: readonly string[]): Problem {
  const names = trail.slice(trail.indexOf(trail.at(-1) ?? ''))
  return new Problem(
    'conflict',
    `the stages ${names.join(' -> ')} need each other in a circle; cut one dependency`,
  )
}

/** Every step that needs one of `names`, directly or not, without those. */
export function dependents(graph: Graph, ...names: readonly string[]): Set<string> {
  const found = reached(downstreamOf(graph), names)
  for (const name of names) found.delete(name)
  return found
}

/** By a step's name, the names of the steps that read what it makes. */
export function downstreamOf({ upstream }: Graph): Map<string, string[]> {
  const downstream = new Map<string, string[]>()
  for (const [name, needs] of upstream)
    for (const need of needs) {
      const readers = downstream.get(need)
      if (readers === undefined) downstream.set(need, [name])
      else readers.push(name)
    }
  return downstream
}

/** Names, and all that hangs together with them. */
export function connectedWith(graph: Graph, names: readonly string[]): Set<string> {
  const downstream = downstreamOf(graph)
  const both = new Map(
    [...graph.upstream].map(([name, needs]) => [name, [...needs, ...(downstream.get(name) ?? [])]]),
  )
  return reached(both, names)
}

function dataSteps(tracked: readonly Out[]): Step[] {
  const files = new Map<string, Out[]>()
  for (const out of tracked) {
    const outs = files.get(out.owner.file)
    if (outs === undefined) files.set(out.owner.file, [out])
    else outs.push(out)
  }
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
  const makers = new Map<string, { path: string; name: string }>()
  for (const one of made) {
    const same = makers.get(one.path)
    if (same !== undefined)
      throw new Problem(
        'conflict',
        `${one.path} is written by ${same.name} and by ${one.name}; give one of them another output`,
      )
    makers.set(one.path, one)
  }
  for (const one of made) {
    const around = foldersOf(one.path)
      .map((path) => makers.get(path))
      .find((each) => each !== undefined)
    if (around !== undefined)
      throw new Problem(
        'conflict',
        `${one.path} of ${one.name} lies inside ${around.path} of ${around.name}; move one of them`,
      )
  }
  for (const step of steps) {
    if (step.kind !== 'stage') continue
    const around = [step.stage.file, ...foldersOf(step.stage.file)]
      .map((path) => makers.get(path))
      .find((each) => each !== undefined)
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
  const done = new Set<string>()
  for (const { name } of graph.steps) needsFirst(graph, name, done, () => {})
}
