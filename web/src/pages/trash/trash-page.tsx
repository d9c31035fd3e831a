import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Database, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { StorageWire, TrashItemWire } from '#protocols/api/retention-wire'
import { getJson } from '#web/api/get.ts'
import { postJson } from '#web/api/send.ts'
import { Card, Figure } from '#web/ui/card.tsx'
import { bytes, count, counted } from '#web/ui/format.ts'
import { Command } from '#web/ui/command.tsx'
import { Page, SettingsTabs, Trouble } from '#web/ui/page.tsx'
import { PurgeDialog } from './purge-dialog.tsx'
import { TrashTable } from './trash-table.tsx'

const REFRESH_MS = 5000
const PAGE = 100

interface TrashWire {
  items: TrashItemWire[]
  next: number | null
}

/** What was deleted and can be taken back, and what all of it takes on the disk. */
export function TrashPage() {
  const [before, setBefore] = useState<number>()
  const [purging, setPurging] = useState<TrashItemWire>()
  const client = useQueryClient()
  const page = useQuery({
    queryKey: ['trash', before],
    queryFn: ({ signal }) =>
      getJson<TrashWire>(
        `/api/v1/trash?limit=${PAGE}${before === undefined ? '' : `&before=${before}`}`,
        signal,
      ),
    refetchInterval: REFRESH_MS,
  })
  const restore = useMutation({
    mutationFn: (item: number) => postJson('/api/v1/trash/restore', { items: [item] }),
    onSettled: () => client.invalidateQueries({ queryKey: ['trash'] }),
  })
  const items = page.data?.items ?? []
  return (
    <>
      <Page
        title="Trash"
        above="Settings"
        lead="What was deleted waits here and can be restored. Once it is purged, only the ledger tells of it."
      >
        <SettingsTabs />
        <StorageCard />
        <Card id="deleted" title="Deleted" Icon={Trash2}>
          <Trouble error={page.error} />
          <Trouble error={restore.error} />
          {page.data === undefined ? null : items.length === 0 ? (
            <div className="flex max-w-prose flex-col gap-2 text-ink-2">
              <p>The trash is empty.</p>
              <p className="text-sm">What this puts into it can be taken back from here:</p>
              <Command text="orrery delete run RUN_ID" />
            </div>
          ) : (
            <TrashTable
              items={items}
              busy={restore.isPending}
              onRestore={(item) => restore.mutate(item.item)}
              onPurge={setPurging}
            />
          )}
          <Pages next={page.data?.next ?? null} isFirst={before === undefined} onPage={setBefore} />
        </Card>
      </Page>
      {purging === undefined ? null : (
        <PurgeDialog item={purging} onClose={() => setPurging(undefined)} />
      )}
    </>
  )
}

function StorageCard() {
  const { data } = useQuery({
    queryKey: ['storage'],
    queryFn: ({ signal }) => getJson<StorageWire>('/api/v1/storage', signal),
    refetchInterval: REFRESH_MS,
  })
  if (data === undefined) return null
  const { artifacts, versions, segments, trash, sweep } = data
  return (
    <Card id="storage" title="Storage" Icon={Database}>
      <dl className="grid grid-cols-2 gap-4 md:grid-cols-5">
        <Figure name="Files of runs and models" value={bytes(artifacts.bytes ?? 0)} />
        <Figure name="Files of versions" value={bytes(versions.bytes ?? 0)} />
        <Figure name="Prediction segments" value={count(segments.objects)} />
        <Figure name="In the trash" value={bytes(trash.bytes ?? 0)} />
        <Figure
          name="Referred to by nothing"
          value={sweep === null ? 'not known yet' : bytes(sweep.youngBytes)}
        />
      </dl>
      <p className="text-sm text-ink-3">
        {sweep === null
          ? 'No sweep has looked at all bytes yet.'
          : `The last sweep kept ${bytes(sweep.keptBytes)} in ${counted(sweep.keptObjects, 'object')} and freed ${bytes(sweep.bytes)}. Bytes that lie in two places count once on the disk.`}
      </p>
    </Card>
  )
}

function Pages({
  next,
  isFirst,
  onPage,
}: {
  next: number | null
  isFirst: boolean
  onPage: (before: number | undefined) => void
}) {
  if (next === null && isFirst) return null
  const look =
    'h-8 cursor-pointer rounded-lg border border-line bg-surface px-3 text-sm text-ink-2 hover:text-ink'
  return (
    <div className="flex gap-2">
      {isFirst ? null : (
        <button type="button" className={look} onClick={() => onPage(undefined)}>
          Newest
        </button>
      )}
      {next === null ? null : (
        <button type="button" className={look} onClick={() => onPage(next)}>
          Older
        </button>
      )}
    </div>
  )
}
