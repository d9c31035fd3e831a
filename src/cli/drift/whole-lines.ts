import type { WholeReport } from '#drift'
import { tableLines } from '../table.ts'
import { counted, printable } from '../tables/text.ts'

/** What is told of all columns together, of texts and of lists of numbers. */
export function wholeLines(report: WholeReport): string[] {
  const { verdict, reason, sample, together } = report
  const rows = `${counted(sample.reference, 'row')} and ${counted(sample.current, 'row')}, seed ${sample.seed}`
  if (verdict === 'not-applicable') return [`Together: no verdict, for ${reason} (${rows}).`]
  const word = verdict === 'drifted' ? 'drifted' : 'steady'
  const found = [
    ...reconstructionRows(together?.reconstruction),
    ...classifierRows(together?.classifier),
    ...(together?.embeddings ?? []).map((each) => [
      printable(each.column),
      each.state,
      'distance of centres',
      each.distance === null ? '-' : shortly(each.distance),
      `from ${shortly(each.threshold)} on`,
      each.mmd === null ? '' : `mmd ${shortly(each.mmd.statistic)}, p ${shortly(each.mmd.p)}`,
    ]),
    ...report.texts.map(({ column, state, auc, ciLow, ciHigh, descriptors }) => [
      printable(column),
      state,
      'text classifier auc',
      shortly(auc),
      `${shortly(ciLow)} to ${shortly(ciHigh)}`,
      descriptors
        .filter(({ p }) => p < 0.01)
        .map((each) => `${each.descriptor} ${shortly(each.reference)} → ${shortly(each.current)}`)
        .join(', '),
    ]),
  ]
  return [
    `Together: ${word} (${rows}).`,
    ...tableLines(['of', 'verdict', 'what', 'value', 'usual', 'note'], found),
  ]
}

type Together = NonNullable<WholeReport['together']>

function reconstructionRows(found: Together['reconstruction'] | undefined): string[][] {
  if (found === null || found === undefined) return []
  const { state, error, usual, margin } = found
  return [
    [
      'all',
      state,
      'reconstruction error',
      shortly(error),
      `${shortly(usual)} ± ${shortly(margin)}`,
      '',
    ],
  ]
}

function classifierRows(found: Together['classifier'] | undefined): string[][] {
  if (found === null || found === undefined) return []
  const { state, auc, ciLow, ciHigh, columns } = found
  const most = columns
    .slice(0, 3)
    .map(({ column, needed }) => `${printable(column)} ${shortly(needed)}`)
  const note = state === 'drifted' && most.length > 0 ? `by ${most.join(', ')}` : ''
  return [
    ['all', state, 'classifier auc', shortly(auc), `${shortly(ciLow)} to ${shortly(ciHigh)}`, note],
  ]
}

function shortly(value: number): string {
  return String(Number(value.toPrecision(3)))
}
