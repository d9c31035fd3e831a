import { messageOf, Problem } from '#base/problem'
import type { ParamKey, ParamMap, ParamValue } from '../param.ts'
import {
  definitionsIn,
  sourcesOf,
  type Definition,
  type DefinitionsAsked,
  type Display,
} from './definitions.ts'
import { drawn, pointsOf, type PlotAxes, type PlotSources, type Point } from './points.ts'
import type { ProjectView } from '../views.ts'

/** A plot of one or more revisions, ready to be drawn by whoever can draw. */
export type Plot = SeriesPlot | ImagePlot

export interface SeriesPlot {
  readonly kind: 'series'
  /** What dvc calls it: a path, or a name of `dvc.yaml`; with the file before it where two files have it. */
  readonly id: string
  /** Those that have points. */
  readonly revisions: readonly string[]
  readonly points: readonly Point[]
  readonly axes: PlotAxes | undefined
  readonly title: string
  /** Name or path of the template; undefined takes the default one. */
  readonly template: string | undefined
}

export interface ImagePlot {
  readonly kind: 'image'
  readonly id: string
  readonly images: readonly {
    readonly revision: string
    readonly path: string
    readonly bytes: Uint8Array
  }[]
}

/** What could not be shown: a file, without a source the plot itself, and without an id the whole revision. */
export interface PlotFault {
  readonly id?: string
  readonly revision: string
  readonly source?: string
  readonly kind: 'missing' | 'faulty' | 'unknown-format' | 'unfitting'
  readonly message: string
}

export interface PlotsAsked extends DefinitionsAsked {
  /** Which plots are wanted, by the files that they read; all of them without it. */
  readonly only?: (sources: readonly string[]) => boolean
  /** Reads a file of points. Throws a `Problem` where it cannot. */
  readonly parse: (path: string, bytes: Uint8Array, how: { header: boolean }) => ParamValue
}

/** The plots of several views of a project, each drawn over all of them. */
export async function plotsIn(
  views: readonly ProjectView[],
  asked: PlotsAsked,
): Promise<{ plots: Plot[]; faults: PlotFault[] }> {
  const read: Revision[] = []
  const faults: PlotFault[] = []
  for (const view of views) {
    try {
      const all = await definitionsIn(view, asked)
      const isWanted = ({ id, display }: Definition) => asked.only?.(sourcesOf(id, display)) ?? true
      const definitions = new Map([...all].filter(([, each]) => isWanted(each)))
      const sources = await sourcesIn(view, definitions, asked)
      read.push({ name: view.name, definitions, sources })
    } catch (error) {
      // A revision that makes no sense leaves the others to be seen.
      if (!(error instanceof Problem)) throw error
      faults.push({ revision: view.name, kind: 'faulty', message: error.message })
    }
  }
  const ids = new Set(read.flatMap(({ definitions }) => [...definitions.keys()]))
  // A picture that two files list is one picture.
  const plots = new Map<string, Plot>()
  for (const id of ids) {
    const plot = plotOf(id, read, faults)
    plots.set(plot.id, plot)
  }
  return { plots: [...plots.values()], faults }
}

/** Whether a file is shown as a picture. */
export function isImage(path: string): boolean {
  return /[^/]\.(?:jpg|jpeg|gif|png|svg)$/.test(path)
}

interface Revision {
  readonly name: string
  readonly definitions: ReadonlyMap<string, Definition>
  readonly sources: ReadonlyMap<string, Source>
}

type Source =
  | { readonly kind: 'points'; readonly value: ParamValue }
  | { readonly kind: 'image'; readonly bytes: Uint8Array }
  | { readonly kind: Exclude<PlotFault['kind'], 'unfitting'>; readonly message: string }

async function sourcesIn(
  view: ProjectView,
  definitions: ReadonlyMap<string, Definition>,
  asked: PlotsAsked,
): Promise<Map<string, Source>> {
  const wanted = new Set(
    [...definitions.values()].flatMap(({ id, display }) => sourcesOf(id, display)),
  )
  const { stages } = await view.load()
  const outs = stages.flatMap((stage) => stage.outs.filter(({ kind }) => kind === 'plot'))
  const found = new Map<string, Source>()
  for (const source of wanted) {
    const own = outs.find(({ path }) => asked.shown(path) === source)?.display?.get('header')
    const header = (asked.display.get('header') ?? own) !== false
    found.set(source, await sourceAt(view, source, { ...asked, header }))
  }
  return found
}

async function sourceAt(
  view: ProjectView,
  source: string,
  how: PlotsAsked & { header: boolean },
): Promise<Source> {
  try {
    const path = how.pathOf(source)
    const bytes = await view.read(path)
    if (bytes === undefined)
      return { kind: 'missing', message: `${path} does not exist in ${view.name}` }
    if (isImage(path)) return { kind: 'image', bytes }
    return { kind: 'points', value: how.parse(path, bytes, { header: how.header }) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return {
      kind: error.code === 'unsupported' ? 'unknown-format' : 'faulty',
      message: messageOf(error),
    }
  }
}

function plotOf(id: string, revisions: readonly Revision[], faults: PlotFault[]): Plot {
  const group = revisions.flatMap((revision) => {
    const definition = revision.definitions.get(id)
    return definition === undefined ? [] : [{ revision, definition }]
  })
  const inner = group[0]?.definition.id ?? id
  const name = isImage(inner) ? inner : id
  for (const { revision, definition } of group)
    for (const source of sourcesOf(inner, definition.display)) {
      const read = revision.sources.get(source)
      if (read !== undefined && 'message' in read)
        faults.push({ id: name, revision: revision.name, source, ...read })
    }
  if (!isImage(inner)) return seriesOf({ id, inner, group }, faults)
  const images = group.flatMap(({ revision, definition }) =>
    sourcesOf(inner, definition.display).flatMap((path) => {
      const read = revision.sources.get(path)
      return read?.kind === 'image' ? [{ revision: revision.name, path, bytes: read.bytes }] : []
    }),
  )
  return { kind: 'image', id: name, images }
}

interface Group {
  readonly id: string
  readonly inner: string
  readonly group: readonly { readonly revision: Revision; readonly definition: Definition }[]
}

function seriesOf({ id, inner, group }: Group, faults: PlotFault[]): SeriesPlot {
  const display = joined(group.map(({ definition }) => definition.display))
  const points: Point[] = []
  const revisions: string[] = []
  let axes: PlotAxes | undefined
  for (const { revision, definition } of group) {
    const sources: PlotSources = new Map(
      sourcesOf(inner, definition.display).flatMap((source) => {
        const read = revision.sources.get(source)
        return read?.kind === 'points' && holdsSomething(read.value)
          ? [[source, read.value] as const]
          : []
      }),
    )
    try {
      const found = pointsOf({ id: inner, display, sources }, revision.name)
      if (found === undefined) continue
      axes ??= found.axes
      // One by one: there may be more than a call takes.
      for (const point of found.points) points.push(point)
      if (!revisions.includes(revision.name)) revisions.push(revision.name)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const message = messageOf(error)
      faults.push({ id, revision: revision.name, kind: 'unfitting', message })
    }
  }
  const template = display.get('template')
  return {
    kind: 'series',
    id,
    revisions,
    points,
    axes,
    title: drawn(display.get('title')) ?? id,
    template: typeof template === 'string' ? template : undefined,
  }
}

/** An earlier revision's word goes before a later one's. */
function joined(displays: readonly Display[]): ParamMap {
  const all = new Map<ParamKey, ParamValue>()
  for (const display of displays.toReversed())
    for (const [name, value] of display) all.set(name, value)
  return all
}

function holdsSomething(value: ParamValue): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value instanceof Map ? value.size > 0 : value !== null && value !== ''
}
