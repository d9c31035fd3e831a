import { command } from '../command.ts'
import { repositoryFlags } from '../repository.ts'

export const list = command({
  command: ['list <repository> [path]', 'ls'],
  describe: 'List what a repository has: what Git keeps and what is tracked as data',
  builder: (argv) =>
    repositoryFlags(argv)
      .positional('repository', {
        type: 'string',
        demandOption: true,
        describe: 'Path or address of a Git repository',
      })
      .positional('path', { type: 'string', describe: 'Folder in it' })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'With what lies in folders',
      })
      .option('dvc-only', {
        type: 'boolean',
        default: false,
        describe: 'Only what is tracked as data',
      })
      .option('size', { type: 'boolean', default: false, describe: 'Show sizes' })
      .option('show-hash', { type: 'boolean', default: false, describe: 'Show hashes' })
      .example('$0 list https://example.org/team/data.git', 'what it has')
      .example('$0 list . --rev v1 -R --dvc-only', 'the data of a tag'),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { withSource } = await import('#app/project/foreign')
    const { listingOf } = await import('#data')
    const { listingJson } = await import('#protocols/dvc/listing')
    const { sourceRequest } = await import('../repository.ts')
    const { say } = await import('../say.ts')
    const rows = await withSource(
      sourceRequest(flags.repository, flags),
      { variables: environment },
      (source) =>
        listingOf(source, plainPath(flags.path), {
          deep: flags.recursive,
          dataOnly: flags.dvcOnly,
        }),
    )
    if (flags.quiet) return
    const widths = {
      size: Math.max(0, ...rows.map(({ sizeBytes }) => String(sizeBytes ?? '').length)),
      hash: Math.max(1, ...rows.map(({ md5 }) => md5?.length ?? 0)),
    }
    say(
      flags,
      listingJson(rows),
      rows.map(({ path, sizeBytes, md5 }) =>
        [
          ...(flags.size ? [String(sizeBytes ?? '').padStart(widths.size)] : []),
          ...(flags.showHash ? [(md5 ?? '-').padEnd(widths.hash)] : []),
          path,
        ].join('  '),
      ),
    )
  },
})

/** Without the slashes and dots that mean nothing. */
function plainPath(path: string | undefined): string {
  return (path ?? '')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}
