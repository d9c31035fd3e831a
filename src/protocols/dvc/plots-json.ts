import type { ImagePlot, PlainValue, Plot, PlotFault, SeriesPlot } from '#stages'
import { filledSpec } from './plot-spec.ts'
import type { PlotTemplate } from './plot-templates.ts'

/** Plots in the shape of `dvc plots show --json`; `image` gives where a picture was written. */
export function plotsJson(
  found: { readonly plots: readonly Plot[]; readonly faults: readonly PlotFault[] },
  how: {
    readonly template: (plot: SeriesPlot) => PlotTemplate
    readonly image: (image: ImagePlot['images'][number]) => string
    readonly split: boolean
  },
): Record<string, unknown> {
  const data = Object.fromEntries(
    found.plots.map((plot) => [
      plot.id,
      plot.kind === 'image'
        ? plot.images.map((image) => ({
            type: 'image',
            revisions: [image.revision],
            url: how.image(image),
          }))
        : seriesJson(plot, how),
    ]),
  )
  return {
    ...(found.faults.length === 0 ? {} : { errors: found.faults.map(faultJson) }),
    ...(found.plots.length === 0 ? {} : { data }),
  }
}

function seriesJson(
  plot: SeriesPlot,
  { template, split }: { template: (plot: SeriesPlot) => PlotTemplate; split: boolean },
): Record<string, PlainValue>[] {
  if (plot.points.length === 0) return []
  const { content, left } = filledSpec(plot, template(plot), { split })
  return [
    {
      type: 'vega',
      revisions: plot.revisions,
      content,
      ...(split ? { anchor_definitions: left } : {}),
    },
  ]
}

/** By the names that dvc's own faults have. */
const FAULTS: Readonly<Record<PlotFault['kind'], string>> = {
  missing: 'FileNotFoundError',
  faulty: 'ParseError',
  'unknown-format': 'PlotMetricTypeError',
  unfitting: 'FieldNotFoundError',
}

function faultJson({ id, revision, source, kind, message }: PlotFault): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { name: id }),
    rev: revision,
    ...(source === undefined ? {} : { source }),
    type: FAULTS[kind],
    msg: message,
  }
}
