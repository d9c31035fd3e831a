import { setTimeout as sleep } from 'node:timers/promises'
import type { PreviewWire, SweepWire } from '#protocols/api/retention-wire'
import { apiClient, serverUrl, type ApiClient } from './client.ts'
import { previewLines, sizeOf } from './retention.ts'

interface Unused {
  due: number[]
  preview: PreviewWire
  unused: SweepWire
}

/** Purges what has been in the server's trash for long enough, and frees bytes that nothing needs. */
export async function collectOnServer(flags: {
  url?: string | undefined
  home?: string | undefined
  dry: boolean
  json?: boolean | undefined
}): Promise<void> {
  const api = apiClient(await serverUrl(flags))
  if (flags.dry) {
    const unused = await api.get<Unused>('/storage/unused')
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(unused)}\n` : `${dryLines(unused).join('\n')}\n`,
    )
    return
  }
  const swept = await sweep(api)
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(swept)}\n` : `${sweptLines(swept).join('\n')}\n`,
  )
}

async function sweep(api: ApiClient): Promise<SweepWire> {
  const { id } = await api.post<{ id: string }>('/sweeps', {})
  for (;;) {
    const shown = await api.get<SweepWire>(`/sweeps/${id}`)
    if (shown.ended !== null) return shown
    await sleep(200)
  }
}

function dryLines({ due, preview, unused }: Unused): string[] {
  return [
    due.length === 0 ? 'Nothing in the trash is due.' : `${due.length} items of the trash are due:`,
    ...(preview.things.length === 0 ? [] : previewLines(preview)),
    `Nothing refers to ${unused.objects} objects (${sizeOf(unused.bytes)}), which would be freed.`,
    ...youngLines(unused),
  ]
}

function sweptLines(swept: SweepWire): string[] {
  const { items, held, objects, bytes, keptObjects, keptBytes } = swept
  return [
    `purged ${items} items of the trash${held === 0 ? '' : `; ${held} that are due are held (orrery trash empty --preview)`}`,
    `freed ${sizeOf(bytes)} in ${objects} objects; ${sizeOf(keptBytes)} in ${keptObjects} are kept`,
    ...youngLines(swept),
  ]
}

function youngLines({ youngObjects, youngBytes }: SweepWire): string[] {
  return youngObjects === 0
    ? []
    : [
        `${youngObjects} more (${sizeOf(youngBytes)}) came too short a while ago and are looked at again later.`,
      ]
}
