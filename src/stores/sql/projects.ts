import type { Kysely } from 'kysely'
import type { Project, ProjectConfig, ProjectReads, ProjectWrites, TrackedData } from '#projects'

export interface ProjectTables {
  projects: {
    name: string
    origin: string
    branch: string
    commit_sha: string
    config: string
    data: string
    synced_ms: number
  }
}

export function projectReads(db: Kysely<ProjectTables>): ProjectReads {
  return {
    list: async () =>
      (await db.selectFrom('projects').selectAll().orderBy('name').execute()).map(projectOf),
    find: async (name) => {
      const row = await db
        .selectFrom('projects')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirst()
      return row === undefined ? undefined : projectOf(row)
    },
  }
}

export function projectWrites(db: Kysely<ProjectTables>): ProjectWrites {
  return {
    ...projectReads(db),
    save: async (project) => {
      const { name, ...row } = rowOf(project)
      await db
        .insertInto('projects')
        .values({ name, ...row })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute()
    },
  }
}

function rowOf(project: Project): ProjectTables['projects'] {
  return {
    name: project.name,
    origin: project.origin,
    branch: project.branch,
    commit_sha: project.commit,
    config: JSON.stringify(project.config),
    data: JSON.stringify(project.data),
    synced_ms: project.syncedMs,
  }
}

function projectOf(row: ProjectTables['projects']): Project {
  return {
    name: row.name,
    origin: row.origin,
    branch: row.branch,
    commit: row.commit_sha,
    config: JSON.parse(row.config) as ProjectConfig,
    data: JSON.parse(row.data) as TrackedData[],
    syncedMs: row.synced_ms,
  }
}
