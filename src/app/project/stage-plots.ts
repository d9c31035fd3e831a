import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { readPlotFile } from '#protocols/dvc/plot-file'
import {
  isImage,
  plotShape,
  plotsIn,
  type Plot,
  type PlotShape,
  type RecordedFile,
  type SeriesPlot,
  type StagePlots,
} from '#stages'
import { openViews, type ViewsGround } from './views.ts'

/** What is drawn in a page of a run; who wants all of it has the files. */
const PLOTS_MAX = 50
const SPOTS_MAX = 1000
const LINES_MAX = 50
const BARS_MAX = 200
const CLASSES_MAX = 50
/** Of one file, and of all files of a run: plots are to be looked at, and data is kept elsewhere. */
const FILE_BYTES_MAX = 2 << 20
const ALL_BYTES_MAX = 16 << 20

/** Where a run keeps its plots. */
const FOLDER = 'plots'

/** The plots of a stage whose files it wrote itself. */
export function stagePlots(ground: ViewsGround & { cacheFolder: string }): StagePlots {
  return {
    of: async (stage) => {
      const own = stage.outs.map(({ path }) => path)
      const isOwn = (path: string) => own.some((out) => path === out || path.startsWith(`${out}/`))
      const { workspace } = openViews(ground, async () => ({ commit: null, branch: null }))
      const read = new Map<string, Uint8Array>()
      let room = ALL_BYTES_MAX
      const view = {
        ...workspace,
        read: async (path: string) => {
          const known = read.get(path)
          if (known !== undefined) return known
          const sizeBytes = await sizeToKeep(ground, path)
          if (sizeBytes === undefined || sizeBytes > room) return undefined
          const bytes = await workspace.read(path)
          if (bytes === undefined) return undefined
          room -= bytes.length
          read.set(path, bytes)
          return bytes
        },
      }
      const { plots } = await plotsIn([view], {
        targets: [],
        display: new Map(),
        parse: readPlotFile,
        only: (sources) => sources.every(isOwn),
        shown: (path) => path,
        pathOf: (path) => path,
      })
      return filesOf(eachOnce(plots).slice(0, PLOTS_MAX), read)
    },
  }
}

/** A stage could put a link in the place of its plot, to have something else read. */
async function sizeToKeep(
  { root, cacheFolder }: { root: string; cacheFolder: string },
  path: string,
): Promise<number | undefined> {
  try {
    const real = await realpath(join(root, path))
    const inside = await Promise.all([realpath(root), realpath(cacheFolder)])
    if (!inside.some((folder) => real.startsWith(folder + sep))) return undefined
    const stats = await stat(real)
    return stats.isFile() && stats.size <= FILE_BYTES_MAX ? stats.size : undefined
  } catch {
    return undefined
  }
}

function filesOf(
  plots: readonly Plot[],
  read: ReadonlyMap<string, Uint8Array>,
): readonly RecordedFile[] {
  if (plots.length === 0) return []
  const files = [...read].map(([path, bytes]) => ({ path: `${FOLDER}/${path}`, bytes }))
  const drawn = plots.flatMap((plot) => (plot.kind === 'series' ? [drawing(plot)] : []))
  const pictures = [...read.keys()]
    .filter(isImage)
    .map((path) => ({ id: path, kind: 'picture', path: `${FOLDER}/${path}` }))
  const text = JSON.stringify({ version: 1, plots: [...drawn, ...pictures] })
  return [...files, { path: `${FOLDER}/plots.json`, bytes: Buffer.from(text) }]
}

/** A file that a stage and a `dvc.yaml` both call a plot is the one that the `dvc.yaml` describes. */
function eachOnce(plots: readonly Plot[]): Plot[] {
  const described = new Set(plots.flatMap(({ id }) => (id.includes('::') ? [inner(id)] : [])))
  return plots
    .filter(({ id }) => !described.has(id))
    .filter((plot) => plot.kind === 'image' || plot.points.length > 0)
}

/** What two files call the same has the file before it, which a page of one stage need not say. */
function inner(id: string): string {
  return id.split('::').at(-1) ?? id
}

function drawing(plot: SeriesPlot): Record<string, unknown> {
  return {
    id: inner(plot.id),
    title: plot.title === plot.id ? inner(plot.id) : plot.title,
    xLabel: plot.axes?.xLabel ?? '',
    yLabel: plot.axes?.yLabel ?? '',
    ...bounded(plotShape(plot)),
  }
}

function bounded(shape: PlotShape): PlotShape {
  if (shape.kind === 'bars') return { ...shape, bars: shape.bars.slice(0, BARS_MAX) }
  if (shape.kind === 'tally')
    return {
      ...shape,
      tables: shape.tables.filter(
        ({ rows, columns }) => Math.max(rows.length, columns.length) <= CLASSES_MAX,
      ),
    }
  const lines = shape.lines.slice(0, LINES_MAX).map(({ name, spots }) => ({
    // One revision only: what is left of the name tells its lines apart.
    name: name.replace(/^workspace ?/, ''),
    spots: thinned(spots),
  }))
  return { ...shape, lines }
}

/** As many as can be seen, evenly, with the last. */
function thinned<T>(spots: readonly T[]): readonly T[] {
  const step = Math.ceil(spots.length / SPOTS_MAX)
  return step <= 1 ? spots : spots.filter((_, at) => at % step === 0 || at === spots.length - 1)
}
