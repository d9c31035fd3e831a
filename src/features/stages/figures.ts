import { messageOf, Problem } from '#base/problem'
import { isList, isMap, sameParam, type ParamKey, type ParamMap, type ParamValue } from './param.ts'
import { valuesOf } from './staleness.ts'
import type { ProjectView } from './views.ts'

/** What the files of metrics or parameters say, by path. */
export type Figures = ReadonlyMap<string, FileFigures>
export type FileFigures =
  | { readonly kind: 'read'; readonly value: ParamValue }
  | { readonly kind: 'missing' }
  | { readonly kind: 'faulty'; readonly message: string }

/** A value that differs; undefined where there was or is none. */
export interface Difference {
  readonly old: ParamValue | undefined
  readonly new: ParamValue | undefined
  /** Of two numbers. */
  readonly change?: number | bigint
}

/** What the metrics of a project say: those of its stages, and those that are listed besides; or those at `targets`. */
export async function metricsIn(
  view: ProjectView,
  targets: readonly string[] = [],
): Promise<Figures> {
  const paths = targets.length > 0 ? targets : await metricPaths(view)
  const files = await expanded(view, paths)
  const found = new Map<string, FileFigures>()
  for (const path of files) {
    const figures = await figuresAt(view, path, (values) => valuesOnly(values) ?? new Map())
    found.set(path, figures)
  }
  return found
}

/** Parameters of stages, and without `stagesOnly` all of those that are listed and of the file that is always read. */
export async function paramsIn(
  view: ProjectView,
  how: { readonly targets?: readonly string[]; readonly stagesOnly?: boolean } = {},
): Promise<Figures> {
  const wanted = await wantedParams(view, how)
  const found = new Map<string, FileFigures>()
  for (const [listed, keys] of wanted)
    for (const path of await expanded(view, [listed]))
      found.set(
        path,
        await figuresAt(view, path, (value) =>
          keys.length === 0 || !isMap(value) ? value : valuesOf(keys, value),
        ),
      )
  return found
}

/** By file and by dotted name, what differs; `unchanged` gives what does not, too. */
export function differences(
  old: Figures,
  now: Figures,
  { unchanged }: { unchanged: boolean },
): Map<string, Map<string, Difference>> {
  const found = new Map<string, Map<string, Difference>>()
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const inFile = fileDifferences(readValue(old.get(path)), readValue(now.get(path)), unchanged)
    if (inFile.size > 0) found.set(path, inFile)
  }
  return found
}

/** Values by dotted name; what is empty is left out. */
export function flattened(values: ParamMap, prefix = ''): Map<string, ParamValue> {
  const flat = new Map<string, ParamValue>()
  for (const [key, value] of values) {
    const name = `${prefix}${String(key)}`
    if (!isMap(value)) flat.set(name, value)
    else for (const [inner, each] of flattened(value, `${name}.`)) flat.set(inner, each)
  }
  return flat
}

async function metricPaths(view: ProjectView): Promise<string[]> {
  const { stages } = await view.load()
  const outs = stages.flatMap((stage) => stage.outs.filter(({ kind }) => kind === 'metric'))
  const { metrics } = await view.declared()
  return [...new Set([...outs.map(({ path }) => path), ...metrics])]
}

async function wantedParams(
  view: ProjectView,
  { targets = [], stagesOnly = false }: { targets?: readonly string[]; stagesOnly?: boolean },
): Promise<Map<string, readonly string[]>> {
  if (targets.length > 0) return new Map(targets.map((path) => [path, []]))
  const { stages } = await view.load()
  const whole = new Set<string>()
  const wanted = new Map<string, readonly string[]>()
  for (const { path, keys } of stages.flatMap(({ params }) => params)) {
    if (keys.length === 0) whole.add(path)
    wanted.set(path, [...(wanted.get(path) ?? []), ...keys])
  }
  if (!stagesOnly) {
    const { params } = await view.declared()
    const always = (await view.read(ALWAYS_READ)) === undefined ? [] : [ALWAYS_READ]
    for (const path of [...params, ...always]) {
      whole.add(path)
      if (!wanted.has(path)) wanted.set(path, [])
    }
  }
  for (const path of whole) wanted.set(path, [])
  return wanted
}

const ALWAYS_READ = 'params.yaml'

/** Folders become the files in them. */
async function expanded(view: ProjectView, paths: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const path of paths) files.push(...((await view.filesIn(path)) ?? [path]))
  return [...new Set(files)]
}

async function figuresAt(
  view: ProjectView,
  path: string,
  taken: (value: ParamValue) => ParamValue,
): Promise<FileFigures> {
  try {
    const value = await view.values(path)
    return value === undefined ? { kind: 'missing' } : { kind: 'read', value: taken(value) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { kind: 'faulty', message: messageOf(error) }
  }
}

/** Numbers, texts and maps of them: lists and nothings are no metrics. */
function valuesOnly(value: ParamValue): ParamValue | undefined {
  if (isMap(value)) {
    const kept = [...value].flatMap(([key, each]): [ParamKey, ParamValue][] => {
      const one = valuesOnly(each)
      return one === undefined || (isMap(one) && one.size === 0) ? [] : [[key, one]]
    })
    return new Map(kept)
  }
  return value === null || isList(value) || typeof value === 'object' ? undefined : value
}

/** What is not there has no values. */
function readValue(figures: FileFigures | undefined): ParamValue {
  return figures?.kind === 'read' ? figures.value : new Map()
}

function fileDifferences(
  old: ParamValue,
  now: ParamValue,
  unchanged: boolean,
): Map<string, Difference> {
  const [before, after] = [named(old), named(now)]
  // A file that holds one value and no names is compared with its like only.
  const alike = isMap(old) === isMap(now)
  const found = new Map<string, Difference>()
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (!alike && name === '') continue
    const [one, other] = [before.get(name), after.get(name)]
    const same =
      one === undefined || other === undefined
        ? isNothing(one) && isNothing(other)
        : sameParam(one, other)
    if (same && !unchanged) continue
    const change = changeOf(one, other)
    found.set(name, { old: one, new: other, ...(change === undefined ? {} : { change }) })
  }
  return found
}

function named(value: ParamValue): Map<string, ParamValue> {
  return isMap(value) ? flattened(value) : new Map([['', value]])
}

function isNothing(value: ParamValue | undefined): boolean {
  return value === undefined || value === null
}

/** The new number less the old one; true counts as one, as in Python. */
function changeOf(
  old: ParamValue | undefined,
  now: ParamValue | undefined,
): number | bigint | undefined {
  const [before, after] = [numeric(old), numeric(now)]
  if (before === undefined || after === undefined) return undefined
  return typeof before === 'bigint' && typeof after === 'bigint'
    ? after - before
    : Number(after) - Number(before)
}

function numeric(value: ParamValue | undefined): number | bigint | undefined {
  if (typeof value === 'boolean') return BigInt(value)
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined
}
