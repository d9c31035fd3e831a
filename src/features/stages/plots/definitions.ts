import { isMap, type ParamKey, type ParamMap, type ParamValue } from '../param.ts'
import type { DeclaredPlot, ProjectView } from '../views.ts'

/** How a plot is to be drawn: `x`, `y`, `title`, `template` and so on, as `dvc.yaml` has them. */
export type Display = ParamMap

/** A plot that somebody asked for, by a `dvc.yaml`, by a stage's outs, or by naming a file. */
export interface Definition {
  /** A path, or the plot's own name. */
  readonly id: string
  readonly display: Display
}

export interface DefinitionsAsked {
  /** Paths, or beginnings of paths and names, as regular expressions; none is everything. */
  readonly targets: readonly string[]
  /** What was said on the command line, which goes before what files say. */
  readonly display: Display
  /** A path of the project as one writes it where the command was called. */
  readonly shown: (path: string) => string
  /** The path that was so written, from the project's root. */
  readonly pathOf: (shown: string) => string
}

/** The plots of a view by the name that they have among all of them. */
export async function definitionsIn(
  view: ProjectView,
  asked: DefinitionsAsked,
): Promise<Map<string, Definition>> {
  const files = new Map<string, Map<string, Display>>()
  const { plots } = await view.declared()
  for (const file of new Set(plots.map((plot) => plot.file))) {
    const written = plots.filter((plot) => plot.file === file)
    const found = await declaredBy(view, written, asked)
    if (found.size > 0) files.set(asked.shown(file), found)
  }
  const outs = await outPlots(view, asked)
  if (outs.size > 0) files.set('', outs)
  for (const target of asked.targets) {
    const path = asked.pathOf(target)
    if ((plots.length > 0 || outs.size > 0) && !(await exists(view, path))) continue
    const loose = files.get('') ?? new Map<string, Display>()
    files.set('', loose)
    for (const each of (await view.filesIn(path)) ?? [path])
      merge(loose, asked.shown(each), asked.display)
  }
  return named(files)
}

const NO_DISPLAY: Display = new Map()

/** The files that a plot's points come from. */
export function sourcesOf(id: string, display: Display): string[] {
  const y = display.get('y')
  const x = display.get('x')
  const from = isMap(y) ? [...y.keys()].map(String) : [id]
  const first = isMap(x) ? [...x.keys()].slice(0, 1).map(String) : []
  return [...new Set([...from, ...first])]
}

/** A name that two files give is told apart by the file before it. */
function named(files: ReadonlyMap<string, ReadonlyMap<string, Display>>): Map<string, Definition> {
  const by = new Map<string, [string, Definition][]>()
  for (const [file, plots] of files)
    for (const [id, display] of plots) by.set(id, [...(by.get(id) ?? []), [file, { id, display }]])
  return new Map(
    [...by].flatMap(([id, all]) =>
      all.map(([file, definition]): [string, Definition] => [
        all.length === 1 ? id : fullId(id, file),
        definition,
      ]),
    ),
  )
}

async function declaredBy(
  view: ProjectView,
  plots: readonly DeclaredPlot[],
  asked: DefinitionsAsked,
): Promise<Map<string, Display>> {
  const found = new Map<string, Display>()
  // Named twice in a file, the later one holds.
  const by = new Map(plots.map((plot) => [plot.id, plot]))
  const paths = [...by.values()].map(({ folder, id }) => within(folder, id))
  for (const plot of by.values()) {
    if (!isMeant(asked, plot.id, asked.shown(plot.file))) continue
    if (isMap(plot.props.get('y'))) {
      merge(found, plot.id, new Map([...withPaths(plot, asked), ...asked.display]))
      continue
    }
    const path = within(plot.folder, plot.id)
    const display = new Map([...plot.props, ...asked.display])
    const files = isOutside(path) ? undefined : await view.filesIn(path)
    for (const each of files ?? [path])
      // What is said of a folder within counts more than what is said of the folder.
      if (closest(each, paths) === path) merge(found, asked.shown(each), display)
  }
  return found
}

async function outPlots(view: ProjectView, asked: DefinitionsAsked): Promise<Map<string, Display>> {
  const found = new Map<string, Display>()
  const { stages } = await view.load()
  for (const { file, outs } of stages)
    for (const { path, kind, display } of outs) {
      if (kind !== 'plot' || !isMeant(asked, asked.shown(path), asked.shown(file))) continue
      for (const each of (await view.filesIn(path)) ?? [path])
        merge(found, asked.shown(each), new Map([...(display ?? NO_DISPLAY), ...asked.display]))
    }
  return found
}

function merge(into: Map<string, Display>, id: string, display: Display): void {
  into.set(id, new Map([...(into.get(id) ?? []), ...display]))
}

/** The files of `x` and `y` count from the folder of the `dvc.yaml`. */
function withPaths({ folder, props }: DeclaredPlot, { shown }: DefinitionsAsked): Display {
  const moved = (value: ParamValue): ParamValue =>
    isMap(value)
      ? new Map(
          [...value].map(([path, each]): [ParamKey, ParamValue] => [
            shown(within(folder, String(path))),
            each,
          ]),
        )
      : value
  return new Map(
    [...props].map(([name, value]) => [name, name === 'x' || name === 'y' ? moved(value) : value]),
  )
}

function isMeant({ targets }: DefinitionsAsked, id: string, file: string): boolean {
  if (targets.length === 0) return true
  return targets.some((target) => beginsWith(id, target) || beginsWith(fullId(id, file), target))
}

/** As dvc has it, a target is a regular expression that a name begins with. */
function beginsWith(text: string, target: string): boolean {
  try {
    return new RegExp(`^(?:${target})`).test(text)
  } catch {
    return text.startsWith(target)
  }
}

function fullId(id: string, file: string): string {
  return file === '' ? id : `${file}::${id}`
}

/** The path of `dvc.yaml`'s folder and below, without `.` and `..`. */
export function within(folder: string, path: string): string {
  const parts: string[] = []
  for (const part of `${folder}/${path}`.split('/'))
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return parts.join('/')
}

/** Nobody's `dvc.yaml` makes us read what is not the project's: such a plot stays a name without points. */
function isOutside(path: string): boolean {
  return path === '..' || path.startsWith('../')
}

function closest(path: string, parents: readonly string[]): string {
  const parts = path.split('/')
  const shared = (parent: string) => {
    const other = parent.split('/')
    const differs = parts.findIndex((part, at) => part !== other[at])
    return parts.slice(0, differs < 0 ? parts.length : differs).join('/').length
  }
  let best = ''
  let length = 0
  for (const parent of parents)
    if (shared(parent) > length) {
      best = parent
      length = shared(parent)
    }
  return best
}

async function exists(view: ProjectView, path: string): Promise<boolean> {
  return (await view.read(path)) !== undefined || (await view.filesIn(path)) !== undefined
}
