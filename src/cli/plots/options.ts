import type { Argv } from 'yargs'
import type { Display } from '#stages'

/** What says how plots are drawn, in dvc's words. */
export function displayFlags<T>(argv: Argv<T>) {
  return argv
    .option('template', {
      alias: 't',
      type: 'string',
      describe: 'A template by name, or the file of one',
    })
    .option('x', { type: 'string', describe: 'Column of the horizontal axis' })
    .option('y', { type: 'string', describe: 'Column of the vertical axis' })
    .option('no-header', {
      type: 'boolean',
      describe: 'The CSV or TSV has no line of names: columns are 0, 1, …',
    })
    .option('title', { type: 'string', describe: 'Title of the plot' })
    .option('x-label', { type: 'string', describe: 'Words below the horizontal axis' })
    .option('y-label', { type: 'string', describe: 'Words beside the vertical axis' })
    .parserConfiguration({ 'boolean-negation': false })
}

/** Where plots are shown. */
export function outputFlags<T>(argv: Argv<T>) {
  return argv
    .option('html', {
      type: 'boolean',
      default: false,
      describe: 'Write a page that needs nothing else',
    })
    .option('open', { type: 'boolean', default: false, describe: 'Write the page and open it' })
    .option('out', {
      alias: 'o',
      type: 'string',
      describe: 'Folder for the page, or for the pictures of --json (default: dvc_plots)',
    })
    .option('html-template', {
      type: 'string',
      describe: 'A page of your own, with {plot_divs} where the plots go',
    })
    .option('show-vega', {
      type: 'boolean',
      default: false,
      describe: 'Print the Vega-Lite spec of the one plot that is named',
    })
    .option('split', { type: 'boolean', default: false, hidden: true })
}

export interface DisplayFlags {
  readonly template?: string | undefined
  readonly x?: string | undefined
  readonly y?: string | undefined
  readonly noHeader?: boolean | undefined
  readonly title?: string | undefined
  readonly xLabel?: string | undefined
  readonly yLabel?: string | undefined
}

export interface OutputFlags {
  readonly json?: boolean
  readonly html: boolean
  readonly open: boolean
  readonly out?: string | undefined
  readonly htmlTemplate?: string | undefined
  readonly showVega: boolean
  readonly split: boolean
}

/** What was said on the command line, by the names of `dvc.yaml`. */
export function displayOf(flags: DisplayFlags): Display {
  const said: [string, string | boolean | undefined][] = [
    ['template', flags.template],
    ['x', flags.x],
    ['y', flags.y],
    ['header', flags.noHeader === true ? false : undefined],
    ['title', flags.title],
    ['x_label', flags.xLabel],
    ['y_label', flags.yLabel],
  ]
  return new Map(
    said.flatMap(([name, value]): [string, string | boolean][] =>
      value === undefined ? [] : [[name, value]],
    ),
  )
}
