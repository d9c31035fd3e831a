import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'
import type { PlainValue } from '#stages'

/** A plot as the page has it: a Vega-Lite spec, or pictures. */
export type PagePlot =
  | { readonly id: string; readonly spec: PlainValue }
  | {
      readonly id: string
      readonly images: readonly {
        readonly revision: string
        readonly type: string
        readonly bytes: Uint8Array
      }[]
    }

/**
 * One page with all that it needs. Data and names come from whoever wrote the project: they are data to the page's
 * script, never code, and the page can neither load nor send anything.
 */
export function plotPage(
  plots: readonly PagePlot[],
  { template = PAGE }: { template?: string } = {},
): string {
  if (!template.includes('{plot_divs}'))
    throw new Problem('invalid', 'the page has no {plot_divs}; write it where the plots go')
  const specs = plots.map((plot, at) => ('spec' in plot ? { at, spec: plot.spec } : undefined))
  const drawn = specs.filter((each) => each !== undefined)
  const scripts = drawn.length === 0 ? [] : [...libraries(), BOOT]
  const data = `<script type="application/json" id="orrery-plots">${asData(drawn)}</script>`
  const divs = [
    ...plots.map(section),
    ...(drawn.length === 0 ? [] : [data]),
    ...scripts.map((script) => `<script>${script}</script>`),
  ].join('\n')
  const parts: Readonly<Record<string, string>> = {
    policy: policyFor(scripts),
    plot_divs: divs,
    scripts: '',
    refresh_tag: '',
  }
  return template.replaceAll(
    /\{(policy|plot_divs|scripts|refresh_tag)\}/g,
    (_, name: string) => parts[name] ?? '',
  )
}

const PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{policy}
<title>Plots</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 1.5rem; background: Canvas; color: CanvasText; }
main { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
section { border: 1px solid #8884; border-radius: 8px; padding: 1rem; overflow: auto; max-width: 100%; box-sizing: border-box; }
h1 { flex: 100%; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
figure { display: inline-block; margin: 0 1rem 0 0; vertical-align: top; }
img { max-width: min(100%, 40rem); display: block; }
</style>
</head>
<body>
<main>
<h1>Plots</h1>
{plot_divs}
</main>
</body>
</html>
`

/** Drawn as lines and words a plot can be read aloud; a large one is drawn as dots. */
const POINTS_OF_WORDS_MAX = 2000

const BOOT = `
const dark = matchMedia('(prefers-color-scheme: dark)').matches
const actions = { export: true, source: false, compiled: false, editor: false }
for (const { at, spec } of JSON.parse(document.getElementById('orrery-plots').textContent)) {
  const place = document.getElementById('orrery-plot-' + at)
  const isVega = String(spec.$schema).includes('/schema/vega/')
  // Specs of other versions are drawn as well as may be; settings of the embedding are not theirs to make.
  delete spec.$schema
  delete spec.usermeta
  const points = spec.data && Array.isArray(spec.data.values) ? spec.data.values.length : 0
  vegaEmbed(place, spec, {
    mode: isVega ? 'vega' : 'vega-lite',
    ast: true,
    actions,
    logLevel: vega.Error,
    renderer: points > ${POINTS_OF_WORDS_MAX} ? 'canvas' : 'svg',
    config: { background: 'transparent' },
    ...(dark ? { theme: 'dark' } : {}),
  }).then(() => {
    for (const menu of place.querySelectorAll('summary')) menu.setAttribute('aria-label', 'Save this plot')
    for (const mark of place.querySelectorAll('[role=graphics-symbol]:not([aria-label])')) mark.removeAttribute('role')
  }).catch((error) => { place.textContent = 'This plot cannot be drawn: ' + error.message })
}
`

function section(plot: PagePlot, at: number): string {
  const heading = `<h2>${escaped(plot.id)}</h2>`
  const body =
    'spec' in plot ? `<div id="orrery-plot-${at}"></div>` : plot.images.map(figure).join('')
  return `<section>${heading}${body}</section>`

  function figure(image: { revision: string; type: string; bytes: Uint8Array }): string {
    const source = `data:${image.type};base64,${Buffer.from(image.bytes).toString('base64')}`
    const name = escaped(`${plot.id} of ${image.revision}`)
    return `<figure><figcaption>${escaped(image.revision)}</figcaption><img alt="${name}" src="${source}"></figure>`
  }
}

/** In the package they lie beside this file; in a checkout they are where npm puts them. */
function libraries(): string[] {
  return ['vega', 'vega-lite', 'vega-embed'].map((name) => {
    const places = [`vega/${name}.min.js`, `../../../node_modules/${name}/build/${name}.min.js`]
    const file = places
      .map((place) => fileURLToPath(new URL(place, import.meta.url)))
      .find((each) => existsSync(each))
    if (file === undefined) throw new Error(`${name} is not installed`)
    // What would end the script is, in its texts, the same when written so.
    return readFileSync(file, 'utf8')
      .replaceAll(/<\/(script)/gi, '<\\/$1')
      .replaceAll('<!--', '<\\!--')
  })
}

function policyFor(scripts: readonly string[]): string {
  const hashes = scripts.map(
    (script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  const allowed = hashes.length === 0 ? "'none'" : hashes.join(' ')
  return `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${allowed}; style-src 'unsafe-inline'; img-src data: blob:">`
}

/** JSON in which nothing ends the element that it stands in. */
function asData(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
}
