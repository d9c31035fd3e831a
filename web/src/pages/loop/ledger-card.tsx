import { useQuery } from '@tanstack/react-query'
import { BookText, ChevronRight, Lock, LockOpen } from 'lucide-react'
import type { EntryWire } from '#protocols/api/ledger-wire'
import type { OverviewWire } from '#protocols/api/overview-wire'
import { getJson } from '#web/api/get.ts'
import { Card } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'
import { count, day, moment } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { useView } from './use-view.ts'
import { wordsFor } from './words.ts'

const SHOWN = 12

export function LedgerCard({
  overview: { ledger },
  fresh,
  className,
}: {
  overview: OverviewWire
  /** Entries that came by the event stream and may not be in the overview yet. */
  fresh: readonly EntryWire[]
  className: string
}) {
  const newest = newestOf(fresh, ledger.newest)
  const older = useOlder(newest)
  const entries = older === undefined ? newest : [...newest, older]
  const size = Math.max(ledger.size, (entries[0]?.position ?? -1) + 1)
  return (
    <Card
      id="ledger"
      title="Ledger"
      Icon={BookText}
      className={className}
      aside={<SignedHead size={size} signed={ledger.signed} />}
    >
      {entries.length === 0 ? (
        <p className="text-ink-2">The first thing that happens will be the first entry here.</p>
      ) : (
        <ol className="flex flex-col" aria-label="Newest entries first">
          {entries.map((entry) => (
            <LedgerEntry key={entry.position} entry={entry} />
          ))}
        </ol>
      )}
      <div className="flex flex-col gap-2 border-t border-line pt-4 text-xs text-ink-3">
        <p>
          Each entry is a leaf of a Merkle tree whose head is signed, so history cannot be rewritten
          unseen. To check it:
        </p>
        <Command text="orrery audit verify" />
      </div>
    </Card>
  )
}

/** The entry that the reader has chosen, where it is older than those that are shown. */
function useOlder(shown: readonly EntryWire[]): EntryWire | undefined {
  const {
    view: { entry },
  } = useView()
  const isOlder = entry !== undefined && entry < (shown.at(-1)?.position ?? 0)
  const { data } = useQuery({
    queryKey: ['ledger-entry', entry],
    queryFn: ({ signal }) =>
      getJson<{ entries: EntryWire[] }>(
        `/api/v1/ledger/entries?limit=1&before=${(entry ?? 0) + 1}`,
        signal,
      ).then(({ entries }) => entries[0] ?? null),
    enabled: isOlder,
    staleTime: Infinity,
  })
  return isOlder && data?.position === entry ? (data ?? undefined) : undefined
}

function newestOf(fresh: readonly EntryWire[], known: readonly EntryWire[]): EntryWire[] {
  const all = new Map([...known, ...fresh].map((entry) => [entry.position, entry]))
  return [...all.values()].toSorted((a, b) => b.position - a.position).slice(0, SHOWN)
}

/** How much of the ledger is covered by a signature: what is signed cannot be rewritten unseen. */
function SignedHead({ size, signed }: { size: number; signed: OverviewWire['ledger']['signed'] }) {
  const covered = signed !== null && signed.size >= size
  const Icon = covered ? Lock : LockOpen
  return (
    <p className="flex items-center gap-1.5 text-xs text-ink-3">
      <Icon aria-hidden size={13} strokeWidth={1.75} className={covered ? 'text-good' : ''} />
      <span className="tabular-nums">
        {count(size)} entries, {covered ? 'all' : count(signed?.size ?? 0)} signed
      </span>
    </p>
  )
}

function LedgerEntry({ entry }: { entry: EntryWire }) {
  const { view, change } = useView()
  const isOpen = view.entry === entry.position
  return (
    <li className="border-t border-line first:border-t-0">
      <button
        type="button"
        aria-expanded={isOpen}
        className="grid w-full cursor-pointer grid-cols-[auto_1fr_auto] items-center gap-x-2 rounded-md py-2 text-left hover:bg-sunken"
        onClick={() => change({ entry: isOpen ? undefined : entry.position })}
      >
        <ChevronRight
          aria-hidden
          size={14}
          strokeWidth={1.75}
          className={`text-ink-3 ${isOpen ? 'rotate-90' : ''}`}
        />
        <span className="truncate text-[0.8125rem]">{wordsFor(entry)}</span>
        <span className="pr-1 text-right text-xs text-ink-3 tabular-nums">
          <Ago time={entry.at} />
        </span>
        <span className="col-start-2 col-end-4 flex flex-wrap gap-x-2 text-xs text-ink-3">
          <span className="tabular-nums">#{entry.position}</span>
          <code>{entry.type}</code>
          {entry.event === null ? null : <span>{day(entry.event)}</span>}
        </span>
      </button>
      {isOpen ? <EntryDetail entry={entry} /> : null}
    </li>
  )
}

function EntryDetail({ entry }: { entry: EntryWire }) {
  return (
    <div className="flex flex-col gap-2 pb-3 pl-5">
      <p className="text-xs text-ink-3">
        {moment(entry.at)} by {entry.actor.kind} {entry.actor.id} ·{' '}
        <a
          href={`/api/v1/ledger/entries/${entry.position}/proof`}
          className="text-accent underline underline-offset-2"
        >
          proof that it is in the ledger
        </a>
      </p>
      <pre
        tabIndex={0}
        aria-label={`Entry ${entry.position} as JSON`}
        className="max-h-80 overflow-auto rounded-lg border border-line bg-sunken p-3 text-xs leading-relaxed text-ink-2"
      >
        {JSON.stringify({ data: entry.data, edges: entry.edges }, null, 2)}
      </pre>
    </div>
  )
}
