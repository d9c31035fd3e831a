import { barChart, digits, heatMap, lineChart } from './charts.ts'
import { escaped } from './escaped.ts'
import type { DoneShown, ReportedAlert, ReportWire } from './shown.ts'
import { STYLE } from './style.ts'

/** The report as one file that needs nothing else: no script, no font, no picture from elsewhere. */
export function reportPage(report: ReportWire): string {
  const { endpoint, from, to } = report
  const body = [
    headOf(report),
    section('What changed', report.alerts.map(alertCard)),
    section('Over time', timesOf(report)),
    section('Which columns moved', movedIn(report)),
    section('What was asked', qualityOf(report)),
    section('Where answers are worse', slicesOf(report)),
    section('How groups are treated', fairnessOf(report)),
    section('What was done', [doneList(report.done)]),
    section('How this was judged', judgedBy(report)),
  ].join('')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escaped(endpoint)}, ${day(from)} to ${day(to)}</title>
<style>${STYLE}</style></head><body><main>${body}
<footer>Made by Orrery on ${minute(report.made)} UTC. All times are UTC.</footer></main></body></html>
`
}

function section(title: string, parts: readonly string[]): string {
  const said = parts.filter((part) => part !== '')
  return said.length === 0 ? '' : `<section><h2>${title}</h2>${said.join('')}</section>`
}

function headOf({
  endpoint,
  from,
  to,
  summary,
  windows,
  predictions,
  alerts,
  versions,
}: ReportWire) {
  const open = alerts.filter(({ cleared }) => cleared === null).length
  const answered = versions.map(({ version }) => version)
  const facts: [string, string][] = [
    ['Predictions', predictions.toLocaleString('en-GB')],
    ['Windows', String(windows.length)],
    ['Alerts', open === 0 ? `${alerts.length}, none open` : `${alerts.length}, ${open} open`],
    ['Answered by', [...new Set(answered)].slice(-3).join(', ')],
  ]
  const list = facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`)
  return `<header><h1>${escaped(endpoint)}</h1><p class="when">${minute(from)} to ${minute(to)}</p><div class="lead">${summary.map((each) => `<p>${escaped(each)}</p>`).join('')}</div><dl class="facts">${list.join('')}</dl></header>`
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  drift: 'What is asked or answered looks different',
  performance: 'Answers got worse',
  estimate: 'Answers probably got worse',
  quality: 'What is asked is not as it should be',
  traffic: 'Nobody asks',
  concept: 'What is true came to depend otherwise on what is asked',
  fairness: 'Groups are treated differently',
  kpis: 'It is worth less',
  slices: 'Answers are worse somewhere',
  multivariate: 'Columns no longer hang together',
  labels: 'What is true is told otherwise',
  service: 'It does not answer as it should',
}

function alertCard(alert: ReportedAlert): string {
  const { kind, subject, severity, raised, cleared, detail, evidence, causes, done } = alert
  const until = cleared === null ? 'still open' : `over on ${minute(cleared)}`
  const proofs = evidence.map(
    ({ column, effect, threshold, p }) =>
      `<tr><td>${escaped(column)}</td><td class="n">${effect === null ? 'gaps' : digits(effect)}</td><td class="n">${digits(threshold)}</td><td class="n">${chance(p)}</td></tr>`,
  )
  const proof =
    proofs.length === 0
      ? ''
      : `<div class="wide"><table><thead><tr><th>Column</th><th class="n">How far</th><th class="n">Drift beyond</th><th class="n">By chance</th></tr></thead><tbody>${proofs.join('')}</tbody></table></div>`
  const acts = done.length === 0 ? '' : `<h4>What was done</h4>${doneList(done)}`
  return `<article class="${severity === 'critical' ? 'critical' : 'warning'}${cleared === null ? '' : ' over'}"><h3><span class="badge">${escaped(severity)}</span>${escaped(KIND_WORDS[kind] ?? kind)}${subject === '' ? '' : `: ${escaped(subject)}`}</h3><p class="when">Since ${minute(raised)}, ${until}</p><h4>How sure</h4><p>${escaped(detail)}.</p>${proof}${whyOf(causes)}${acts}</article>`
}

function whyOf(causes: ReportedAlert['causes']): string {
  if (causes === null) return ''
  const { ranked, change, notes } = causes
  const by =
    change === null
      ? ''
      : `<p class="soft">The mean ${change.of === 'loss' ? 'loss of an answer' : 'answer'} changed by ${change.by > 0 ? '+' : ''}${digits(change.by)}.</p>`
  const items = ranked.slice(0, 6).map(({ share, detail, position }) => {
    const part = share === null ? '' : `<span class="share">${Math.round(share * 100)} %</span>`
    const entry =
      position === undefined ? '' : ` <span class="soft">(ledger entry ${position})</span>`
    return `<li>${part}${escaped(detail)}${entry}</li>`
  })
  const list = items.length === 0 ? '<p>Nothing stands out.</p>' : `<ol>${items.join('')}</ol>`
  const said = notes.map((note) => `<p class="soft">${escaped(note)}</p>`).join('')
  return `<h4>Why</h4>${by}${list}${said}`
}

function timesOf(report: ReportWire): string[] {
  const { windows } = report
  const starts = windows.map(({ start }) => day(start))
  const metric = windows.findLast(({ performance }) => performance !== null)?.performance?.metric
  const guess = windows.findLast(({ estimate }) => estimate !== null)?.estimate?.metric
  const shown = metric ?? guess
  const pointsOf = (key: 'performance' | 'estimate') =>
    windows.map((window, at) => {
      const found = window[key]
      return found !== null && found.metric === shown
        ? { at, value: found.value, low: found.ciLow, high: found.ciHigh }
        : { at, value: null }
    })
  const performance =
    shown === undefined
      ? ''
      : figure(
          shown,
          'by truths, with its interval; dotted: estimated before truths are known; dashed: what it must keep',
          lineChart(`${shown} over time`, {
            starts,
            bounds: boundsOf(report, shown),
            lines: [
              { look: 'guess', points: pointsOf('estimate') },
              { look: 'told', points: pointsOf('performance') },
            ],
          }),
        )
  const traffic = barChart('Predictions by window', {
    starts,
    values: windows.map(({ predictions }) => predictions),
  })
  return [performance, ...kpiCharts(report, starts), figure('Predictions', 'by window', traffic)]
}

/** The numbers that the limits of a metric name. */
function boundsOf({ watched }: ReportWire, metric: string): number[] {
  const own = watched.limits.filter((limit) => limit.startsWith(`${metric} `))
  return own.flatMap((limit) =>
    [...limit.matchAll(/at (?:least|most) (\S+)/g)].map(([, n]) => Number(n)),
  )
}

function kpiCharts({ windows }: ReportWire, starts: readonly string[]): string[] {
  const units = new Map(
    windows.flatMap(({ kpis }) => kpis.map(({ metric, unit }) => [metric, unit])),
  )
  return [...units].map(([name, unit]) => {
    const points = windows.map(({ kpis }, at) => {
      const kpi = kpis.find(({ metric }) => metric === name)
      return { at, value: kpi?.value ?? null, low: kpi?.ciLow ?? null, high: kpi?.ciHigh ?? null }
    })
    const chart = lineChart(`${name} over time`, {
      starts,
      bounds: [],
      lines: [{ look: 'told', points }],
      height: 140,
    })
    return chart === '' ? '' : figure(name, unit === null ? '' : `in ${unit}`, chart)
  })
}

function figure(title: string, note: string, drawn: string): string {
  return drawn === ''
    ? ''
    : `<figure><figcaption>${escaped(title)} <span>${escaped(note)}</span></figcaption>${drawn}</figure>`
}

function movedIn({ heat, left, windows }: ReportWire): string[] {
  const starts = windows.map(({ start }) => minute(start))
  const map = heatMap('How far each column was from its reference, by window', heat, starts)
  if (map === '') return []
  const key =
    '<p class="soft"><span class="key k0"></span>as usual<span class="key k2"></span>near the threshold<span class="key k3"></span>drifted<span class="key k4"></span>three times the threshold or more</p>'
  return [map, key, left === 0 ? '' : `<p class="soft">${left} more columns moved less.</p>`]
}

function qualityOf({ quality }: ReportWire): string[] {
  if (quality.length === 0) return []
  const rows = quality
    .slice(0, 40)
    .map(
      ({ column, check, severity, windows, first, last, detail }) =>
        `<tr><td>${escaped(column || 'rows')}</td><td>${escaped(check)}, ${escaped(severity)}</td><td class="n">${windows}</td><td>${day(first)} to ${day(last)}</td><td>${escaped(detail)}</td></tr>`,
    )
  const more = quality.length > 40 ? `<p class="soft">${quality.length - 40} more.</p>` : ''
  return [
    `<div class="wide"><table><thead><tr><th>Column</th><th>What</th><th class="n">Windows</th><th>When</th><th>Last seen</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}`,
  ]
}

function slicesOf({ slices }: ReportWire): string[] {
  if (slices.length === 0) return []
  const rows = slices.map(
    ({ name, share, loss, elsewhere, p }) =>
      `<tr><td>${escaped(name)}</td><td class="n">${Math.round(share * 100)} %</td><td class="n">${digits(loss)}</td><td class="n">${digits(elsewhere)}</td><td class="n">${chance(p)}</td></tr>`,
  )
  return [
    `<p class="soft">Found by looking through columns in the last window that has truths; ${escaped(slices[0]?.of ?? '')}.</p><div class="wide"><table><thead><tr><th>Where</th><th class="n">Of rows</th><th class="n">Here</th><th class="n">Elsewhere</th><th class="n">By chance</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  ]
}

function fairnessOf({ windows }: ReportWire): string[] {
  const last = windows.findLast(({ fairness }) => fairness.length > 0)
  if (last === undefined) return []
  const rows = last.fairness.map(({ metric, by, value, ciLow, ciHigh }) => {
    const between = ciLow === null || ciHigh === null ? '' : `${digits(ciLow)} to ${digits(ciHigh)}`
    return `<tr><td>${escaped(metric.replaceAll('_', ' '))}</td><td>${escaped(by)}</td><td class="n">${value === null ? 'unknown' : digits(value)}</td><td class="n">${between}</td></tr>`
  })
  return [
    `<p class="soft">In the window from ${minute(last.start)}.</p><div class="wide"><table><thead><tr><th>Measure</th><th>Groups by</th><th class="n">Value</th><th class="n">Surely between</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  ]
}

const DONE_SHOWN = 60

function doneList(done: readonly DoneShown[]): string {
  if (done.length === 0) return ''
  const items = done
    .slice(-DONE_SHOWN)
    .map(
      ({ at, detail, position }) =>
        `<li><span class="when">${minute(at)}</span> ${escaped(detail)} <span class="soft">(ledger entry ${position})</span></li>`,
    )
  const more = done.length - items.length
  return `<ul>${items.join('')}</ul>${more === 0 ? '' : `<p class="soft">${more} earlier ones are in the ledger.</p>`}`
}

function judgedBy({ watched, versions }: ReportWire): string[] {
  const { window, reference, settle, limits } = watched
  const compared = reference === 'training' ? 'what the version was trained on' : reference
  const answered = versions.map(
    ({ version, from, to, predictions }) =>
      `<li>${escaped(version)}: ${minute(from)} to ${minute(to)}, ${predictions.toLocaleString('en-GB')} predictions</li>`,
  )
  return [
    `<p>Windows of ${escaped(window)}, compared with ${escaped(compared)}; truths are waited for ${escaped(settle)}. A column has drifted when its effect is large, larger than windows of the reference are among themselves, and no chance: false discoveries are held to 5 %. Intervals are of 95 %; what is estimated is marked so.</p>`,
    `<h3>Told when</h3><ul>${limits.map((limit) => `<li>${escaped(limit)}</li>`).join('')}</ul>`,
    `<h3>Who answered</h3><ul>${answered.slice(-20).join('')}</ul>`,
  ]
}

function chance(p: number): string {
  return p < 0.0001 ? 'below 0.01 %' : `${digits(p * 100)} %`
}

function day(time: string): string {
  return time.slice(0, 10)
}

function minute(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}
