import { Problem } from '#base/problem'
import { connectedWith, dependents, inOrder, type Graph, type Step } from './graph.ts'

/** Which steps are meant. */
export interface Selection {
  /** Words that name steps; none means all. */
  readonly targets: readonly string[]
  /** Only the targets, not what they need. */
  readonly singleItem?: boolean
  /** All that hangs together with the targets. */
  readonly pipeline?: boolean
  /** The targets and what needs them, instead of what they need. */
  readonly downstream?: boolean
  /** Targets are folders: all stages of the files in them. */
  readonly recursive?: boolean
  /** Targets are patterns of names. */
  readonly glob?: boolean
}

/** The selected steps, each after all that it needs. Throws `not-found` for a target that names nothing. */
export function selected(graph: Graph, selection: Selection): Step[] {
  const names = selection.targets.flatMap((target) => stepsNamed(graph, target, selection))
  if (names.length === 0) return selection.targets.length === 0 ? inOrder(graph, []) : []
  const isAmong = (wanted: ReadonlySet<string>) =>
    inOrder(graph, []).filter(({ name }) => wanted.has(name))
  if (selection.pipeline === true) return isAmong(connectedWith(graph, names))
  if (selection.singleItem === true) return isAmong(new Set(names))
  if (selection.downstream === true)
    return isAmong(new Set([...names, ...dependents(graph, ...names)]))
  return inOrder(graph, names)
}

/** Steps that a word names: a step, a group made by foreach or matrix, a file of stages, or an output. */
export function stepsNamed(
  graph: Graph,
  target: string,
  how: Pick<Selection, 'recursive' | 'glob'> = {},
): string[] {
  const isMeant = how.glob === true ? likePattern(target) : sameName(target, how.recursive === true)
  const found = graph.steps.filter(isMeant)
  if (found.length === 0 && !(how.recursive === true && target === ''))
    throw new Problem(
      'not-found',
      `${target} names no stage, no pipeline file and no output; the project has ${listed(graph.steps.map(({ name }) => name))}`,
    )
  return found.map(({ name }) => name)
}

function sameName(target: string, isFolder: boolean): (step: Step) => boolean {
  const inside = target === '' ? '' : `${target}/`
  return (step) =>
    step.name === target ||
    (isFolder && fileOf(step).startsWith(inside)) ||
    (step.kind === 'stage' && (step.stage.file === target || step.name.startsWith(`${target}@`))) ||
    outsOf(step).includes(target)
}

/** Patterns as shells have them; in a folder's file, behind its path and a colon. */
function likePattern(target: string): (step: Step) => boolean {
  const pattern = patternOf(target)
  return ({ name }) => pattern.test(name)
}

function patternOf(glob: string): RegExp {
  const parts = glob.match(/\[!?\]?[^\]]*\]|[\s\S]/g) ?? []
  const source = parts.map((part) => {
    if (part === '*') return '[\\s\\S]*'
    if (part === '?') return '[\\s\\S]'
    if (part.length === 1) return part.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    const inner = part.slice(1, -1).replaceAll('\\', '\\\\')
    return `[${inner.startsWith('!') ? `^${inner.slice(1)}` : inner}]`
  })
  return new RegExp(`^${source.join('')}$`)
}

function fileOf(step: Step): string {
  return step.kind === 'data' ? step.name : step.stage.file
}

function outsOf(step: Step): string[] {
  return (step.kind === 'data' ? step.outs : step.stage.outs).map(({ path }) => path)
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no stages yet: write them into dvc.yaml'
  return names.length > 12
    ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
    : names.join(', ')
}
