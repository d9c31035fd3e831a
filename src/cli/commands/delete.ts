import type { PreviewWire } from '#protocols/api/retention-wire'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { assertMeant, KIND_WORDS, previewLines, thingsOf } from '../retention.ts'
import { remoteFlags } from './project.ts'

export const deleteCommand = command({
  command: 'delete <kind> <ids..>',
  describe: 'Move runs, experiments, models, versions or logged models to the trash',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('kind', { choices: KIND_WORDS, demandOption: true })
      .positional('ids', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Ids; a model by its name, a version as flights-late:3',
      })
      .option('preview', {
        type: 'boolean',
        default: false,
        describe: 'Tell what it takes along and frees, and what holds it; delete nothing',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Delete' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const things = thingsOf(flags.kind, flags.ids)
    if (flags.preview) {
      const preview = await api.post<PreviewWire>('/trash/preview', { things })
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(preview)}\n`
          : `${previewLines(preview).join('\n')}\n`,
      )
      return
    }
    assertMeant(flags.yes, `this moves ${things.length} of kind ${flags.kind} to the trash`)
    const deleted = await api.post<{ deleted: { kind: string; id: string }[] }>('/trash', {
      things,
    })
    if (flags.json === true) process.stdout.write(`${JSON.stringify(deleted)}\n`)
    else
      for (const { kind, id } of deleted.deleted)
        process.stdout.write(`${kind} ${id} is in the trash\n`)
  },
})
