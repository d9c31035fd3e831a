import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { environment } from '#app/settings/environment'
import { plotSettings, plotTemplate, type PlotSettings } from '#app/project/plots'
import { Problem } from '#base/problem'
import { filledSpec, REVISION_COLORS } from '#protocols/dvc/plot-spec'
import { readPlotFile } from '#protocols/dvc/plot-file'
import { plotsJson } from '#protocols/dvc/plots-json'
import { plotsIn, type ImagePlot, type Plot, type PlotFault, type SeriesPlot } from '#stages'
import { withViews } from '../figures.ts'
import { printable } from '../tables/text.ts'
import { say, type CalledIn } from '../workspace.ts'
import { drawnPlot } from './draw.ts'
import { picture, pictureWay } from './images.ts'
import { openInBrowser } from './opening.ts'
import { displayOf, type DisplayFlags, type OutputFlags } from './options.ts'
import { plotPage, type PagePlot } from './page.ts'

type Flags = DisplayFlags & OutputFlags

interface Found {
  readonly plots: readonly Plot[]
  readonly faults: readonly PlotFault[]
}

/** Shows the plots of these revisions in the way that was asked for. */
export async function showPlots(
  here: CalledIn,
  flags: Flags,
  asked: { readonly revisions: readonly string[]; readonly targets: readonly string[] },
): Promise<void> {
  if (flags.showVega) checkVega(flags, asked.targets)
  let found: Found = { plots: [], faults: [] }
  await withViews(here, async (views) => {
    const all = []
    for (const revision of asked.revisions) all.push(await views.at(revision))
    found = await plotsIn(all, {
      targets: asked.targets,
      display: displayOf(flags),
      parse: readPlotFile,
      shown: (path) => here.shown(path),
      pathOf: (written) => here.path(written),
    })
  })
  const settings = plotSettings(here.root, environment)
  if (flags.json === true) return sayJson(here, flags, { found, settings })
  for (const { id, source, revision, message } of found.faults)
    process.stderr.write(
      `${revision}: ${printable(source ?? id ?? '')}${id === undefined ? '' : ': '}${printable(message)}\n`,
    )
  if (flags.showVega) return sayVega(here, flags, found)
  const wanted = flags.html || flags.open || flags.out !== undefined || settings.opens
  if (wanted || flags.htmlTemplate !== undefined || !process.stdout.isTTY)
    return writePage(here, flags, { found, settings })
  draw(found)
}

function checkVega(flags: Flags, targets: readonly string[]): void {
  if (targets.length !== 1 || flags.json === true)
    throw new Problem(
      'invalid',
      '--show-vega prints the spec of one plot: name one, and leave out --json',
    )
}

function templateOf(here: CalledIn, flags: Flags) {
  const at = { root: here.root, folder: here.folder, anywhere: flags.template !== undefined }
  return (plot: SeriesPlot) => plotTemplate(plot.template, at)
}

function sayJson(
  here: CalledIn,
  flags: Flags,
  { found, settings }: { found: Found; settings: PlotSettings },
): void {
  const folder = resolve(flags.out ?? settings.outFolder)
  const value = plotsJson(found, {
    template: templateOf(here, flags),
    split: flags.split,
    image: ({ revision, path, bytes }) => {
      const file = join(folder, `${revision}_${path}`.replaceAll(/[/\\]/g, '_'))
      mkdirSync(folder, { recursive: true })
      writeFileSync(file, bytes)
      return file
    },
  })
  say({ json: true }, value, [])
}

function sayVega(here: CalledIn, flags: Flags, { plots }: Found): void {
  const plot = plots.find((each) => each.kind === 'series')
  if (plot?.kind !== 'series' || plot.points.length === 0) return
  const { content } = filledSpec(plot, templateOf(here, flags)(plot))
  process.stdout.write(`${JSON.stringify(content)}\n`)
}

function writePage(
  here: CalledIn,
  flags: Flags,
  { found, settings }: { found: Found; settings: PlotSettings },
): void {
  const shown = found.plots.filter(hasSomething)
  if (shown.length === 0) {
    process.stderr.write(
      'there are no plots, so no page was written; list files under `plots` in dvc.yaml, or name one\n',
    )
    return
  }
  const template = templateOf(here, flags)
  const own = flags.htmlTemplate === undefined ? settings.page : resolve(flags.htmlTemplate)
  const page = plotPage(
    shown.map((plot) => pagePlot(plot, template)),
    own === undefined ? {} : { template: readFileSync(own, 'utf8') },
  )
  const folder = resolve(flags.out ?? settings.outFolder)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'index.html')
  writeFileSync(file, page)
  process.stdout.write(`${pathToFileURL(file).href}\n`)
  if (flags.open || settings.opens) openInBrowser(file)
}

function hasSomething(plot: Plot): boolean {
  return plot.kind === 'image' ? plot.images.length > 0 : plot.points.length > 0
}

function pagePlot(plot: Plot, template: ReturnType<typeof templateOf>): PagePlot {
  if (plot.kind === 'series') return { id: plot.id, spec: filledSpec(plot, template(plot)).content }
  return {
    id: plot.id,
    images: plot.images.map(({ revision, path, bytes }) => ({
      revision,
      type: IMAGE_TYPES.get(extname(path)) ?? 'application/octet-stream',
      bytes,
    })),
  }
}

const IMAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.svg', 'image/svg+xml'],
])

function draw({ plots }: Found): void {
  const plain = environment['NO_COLOR'] !== undefined && environment['NO_COLOR'] !== ''
  const columns = process.stdout.columns || 80
  const painted = (text: string, color: number) =>
    plain ? text : `\u001b[38;2;${rgb(color)}m${text}\u001b[39m`
  for (const [at, plot] of plots.filter(hasSomething).entries()) {
    if (at > 0) out('\n')
    if (plot.kind === 'image') drawImages(plot)
    else out(`${drawnPlot(plot, { columns, painted }).join('\n')}\n`)
  }
  if (!plots.some(hasSomething))
    out('There are no plots: list files under `plots` in dvc.yaml, or name one.\n')
}

function out(text: string): void {
  process.stdout.write(text)
}

function drawImages({ images }: ImagePlot): void {
  const way = pictureWay(environment)
  for (const { revision, path, bytes } of images) {
    out(`${printable(path)} (${printable(revision)})\n`)
    const signs = way === undefined ? undefined : picture(bytes, path, way)
    if (signs !== undefined) out(signs)
  }
}

function rgb(color: number): string {
  const hex = REVISION_COLORS[color % REVISION_COLORS.length] ?? '#000000'
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(';')
}
