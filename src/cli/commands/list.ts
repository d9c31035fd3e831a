import { command } from '../command.ts'
import { listingFlags } from '../listing.ts'
import { repositoryFlags } from '../repository.ts'

export const list = command({
  command: ['list <repository> [path]', 'ls'],
  describe: 'List what a repository has: what Git keeps and what is tracked as data',
  builder: (argv) =>
    listingFlags(repositoryFlags(argv))
      .positional('repository', {
        type: 'string',
        demandOption: true,
        describe: 'Path or address of a Git repository',
      })
      .positional('path', { type: 'string', describe: 'Folder in it' })
      .option('dvc-only', {
        type: 'boolean',
        default: false,
        describe: 'Only what is tracked as data',
      })
      .option('show-hash', { type: 'boolean', default: false, describe: 'Show hashes' })
      .example('$0 list https://example.org/team/data.git', 'what it has')
      .example('$0 list . --tree -L 2', 'a tree, two folders deep')
      .example('$0 list . --rev v1 -R --dvc-only', 'the data of a tag'),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { withSource } = await import('#app/project/foreign')
    const { listingOf, rowAt } = await import('#data')
    const { listingJson } = await import('#protocols/dvc/listing')
    const { drawn, levelOf } = await import('../listing.ts')
    const { sourceRequest } = await import('../repository.ts')
    const { say } = await import('../say.ts')
    const how = { level: levelOf(flags), folders: flags.tree, dataOnly: flags.dvcOnly }
    const folder = plainPath(flags.path)
    const request = sourceRequest(flags.repository, flags)
    const rows = await withSource(request, { variables: environment }, async (source) => {
      const top = flags.tree || how.level === 0 ? await rowAt(source, folder) : undefined
      if (top === undefined) return listingOf(source, folder, how)
      const below = how.level === 0 || !top.isFolder ? [] : await listingOf(source, folder, how)
      return flags.tree ? drawn({ ...top, path: flags.path ?? top.path }, below) : [top]
    })
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
