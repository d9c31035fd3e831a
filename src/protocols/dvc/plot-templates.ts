/** A Vega-Lite spec with anchors such as `<DVC_METRIC_X>` where a plot's own values go. */
export type PlotTemplate = Readonly<Record<string, unknown>>

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v5.json'
const SIZE = { width: '<DVC_METRIC_PLOT_WIDTH>', height: '<DVC_METRIC_PLOT_HEIGHT>' }
const ZOOM = { params: ['<DVC_METRIC_ZOOM_AND_PAN>'] }
const COLOR = { color: '<DVC_METRIC_COLOR>' }
const DASHES = { strokeDash: '<DVC_METRIC_STROKE_DASH>' }
const SHAPES = { shape: '<DVC_METRIC_SHAPE>' }
const TOOLTIP = { tooltip: '<DVC_METRIC_TOOLTIP>' }

const x = (type: string) => ({ field: '<DVC_METRIC_X>', type, title: '<DVC_METRIC_X_LABEL>' })
const y = (type: string) => ({ field: '<DVC_METRIC_Y>', type, title: '<DVC_METRIC_Y_LABEL>' })
const NEAR = { scale: { zero: false } }

function spec(rest: Record<string, unknown>): PlotTemplate {
  return {
    $schema: SCHEMA,
    data: { values: '<DVC_METRIC_DATA>' },
    title: { text: '<DVC_METRIC_TITLE>', anchor: 'middle' },
    ...rest,
  }
}

/** Lines through the points as they are; a slider lays smoother ones over them, and the nearest points are named. */
function lines(smoothness: number): PlotTemplate {
  const height = { y: { ...y('quantitative'), ...NEAR } }
  return spec({
    ...SIZE,
    params: [
      {
        name: 'smooth',
        value: smoothness,
        bind: { input: 'range', min: 0.001, max: 1, step: 0.001, name: 'smoothness ' },
      },
    ],
    // Else the legend would be as pale as the palest of the layers.
    config: { legend: { symbolOpacity: 1, symbolSize: 60 } },
    encoding: { x: x('quantitative'), ...COLOR, ...DASHES },
    layer: [
      {
        ...ZOOM,
        transform: [
          {
            loess: '<DVC_METRIC_Y>',
            on: '<DVC_METRIC_X>',
            groupby: '<DVC_METRIC_GROUP_BY>',
            bandwidth: { signal: 'smooth' },
          },
        ],
        mark: 'line',
        encoding: height,
      },
      { mark: { type: 'line', opacity: 0.25 }, encoding: height },
      {
        params: [
          {
            name: 'hover',
            select: {
              type: 'point',
              fields: ['<DVC_METRIC_X>'],
              nearest: true,
              on: 'pointerover',
              clear: 'pointerout',
            },
          },
        ],
        mark: { type: 'point', filled: true, tooltip: { content: 'data' } },
        encoding: {
          ...height,
          opacity: { condition: { param: 'hover', empty: false, value: 1 }, value: 0.4 },
          size: { condition: { param: 'hover', empty: false, value: 60 }, value: 8 },
        },
      },
    ],
  })
}

const simple = spec({
  ...SIZE,
  ...ZOOM,
  mark: { type: 'line', tooltip: { content: 'data' } },
  encoding: {
    x: x('quantitative'),
    y: { ...y('quantitative'), ...NEAR },
    ...COLOR,
    ...DASHES,
    ...TOOLTIP,
  },
})

const scatter = spec({
  ...SIZE,
  ...ZOOM,
  mark: { type: 'point', tooltip: { content: 'data' } },
  encoding: { x: x('quantitative'), y: y('quantitative'), ...COLOR, ...SHAPES, ...TOOLTIP },
})

/** Points of classes would lie on one another: each is moved by chance within its own. */
const scatterJitter = spec({
  ...SIZE,
  transform: [
    { calculate: 'random()', as: 'byChanceX' },
    { calculate: 'random()', as: 'byChanceY' },
  ],
  mark: { type: 'point', tooltip: { content: 'data' } },
  encoding: {
    x: { field: '<DVC_METRIC_X>', title: '<DVC_METRIC_X_LABEL>' },
    y: { field: '<DVC_METRIC_Y>', title: '<DVC_METRIC_Y_LABEL>' },
    xOffset: { field: 'byChanceX', type: 'quantitative' },
    yOffset: { field: 'byChanceY', type: 'quantitative' },
    ...COLOR,
    ...SHAPES,
    ...TOOLTIP,
  },
})

function bars(sorted: boolean): PlotTemplate {
  return spec({
    ...SIZE,
    ...ZOOM,
    mark: 'bar',
    encoding: {
      x: { ...x('quantitative'), ...NEAR },
      y: { ...y('nominal'), ...(sorted ? { sort: '-x' } : {}) },
      yOffset: { field: 'rev', sort: [] },
      ...COLOR,
      column: '<DVC_METRIC_COLUMN>',
    },
  })
}

const COUNT = 'xy_count'
const SHARE = 'percent_of_y'

/** How often which class was taken for which; `shares` of each row instead of counts. */
function confusion({ shares }: { shares: boolean }): PlotTemplate {
  const shown = shares ? SHARE : COUNT
  const field = { field: shown, type: 'quantitative' }
  const filled = (groupby: string, key: string) => ({ impute: COUNT, groupby, key, value: 0 })
  return spec({
    facet: { column: { field: 'rev', sort: [] }, row: '<DVC_METRIC_ROW>' },
    spec: {
      transform: [
        { aggregate: [{ op: 'count', as: COUNT }], groupby: ['<DVC_METRIC_Y>', '<DVC_METRIC_X>'] },
        filled('<DVC_METRIC_GROUP_BY_Y>', '<DVC_METRIC_X>'),
        filled('<DVC_METRIC_GROUP_BY_X>', '<DVC_METRIC_Y>'),
        {
          joinaggregate: [
            { op: 'max', field: COUNT, as: 'most' },
            { op: 'sum', field: COUNT, as: 'sum_y' },
          ],
          groupby: shares ? ['<DVC_METRIC_Y>'] : [],
        },
        { calculate: `datum.${COUNT} / max(datum.sum_y, 1)`, as: SHARE },
        {
          calculate: shares ? `datum.${SHARE}` : `datum.${COUNT} / max(datum.most, 1)`,
          as: 'depth',
        },
      ],
      ...SIZE,
      encoding: {
        x: { ...x('nominal'), sort: 'ascending' },
        y: { ...y('nominal'), sort: 'ascending' },
      },
      layer: [
        {
          mark: { type: 'rect', tooltip: { content: 'data' } },
          encoding: {
            color: {
              ...field,
              title: '',
              scale: shares ? { domain: [0, 1] } : { domainMin: 0, nice: true },
            },
          },
        },
        {
          mark: 'text',
          encoding: {
            text: { ...field, ...(shares ? { format: '.2f' } : {}) },
            color: { condition: { test: 'datum.depth > 0.5', value: 'white' }, value: 'black' },
          },
        },
      ],
    },
  })
}

/** What comes with Orrery, in the order in which dvc lists its own, by the same names. */
export const PLOT_TEMPLATES: ReadonlyMap<string, PlotTemplate> = new Map([
  ['simple', simple],
  ['linear', lines(0.001)],
  ['confusion', confusion({ shares: false })],
  ['confusion_normalized', confusion({ shares: true })],
  ['scatter', scatter],
  ['scatter_jitter', scatterJitter],
  ['smooth', lines(0.3)],
  ['bar_horizontal_sorted', bars(true)],
  ['bar_horizontal', bars(false)],
])
