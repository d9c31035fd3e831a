import {
  CreateTableNode,
  DataTypeNode,
  RawNode,
  type AlterTableNode,
  type ColumnDefinitionNode,
  type KyselyPlugin,
  type RootOperationNode,
} from 'kysely'

type ColumnAlteration = NonNullable<AlterTableNode['columnAlterations']>[number]

/**
 * Gives every column of text that a migration makes the collation of bytes, whatever the locale of the database:
 * pages go on after a key, so all must agree on the order, and SQLite knows no other.
 */
export const bytewise: KyselyPlugin = {
  transformQuery: ({ node }) => ordered(node),
  transformResult: async ({ result }) => result,
}

function ordered(node: RootOperationNode): RootOperationNode {
  if (CreateTableNode.is(node)) return { ...node, columns: node.columns.map(column) }
  if (node.kind !== 'AlterTableNode' || node.columnAlterations === undefined) return node
  return { ...node, columnAlterations: node.columnAlterations.map(alteration) }
}

function alteration(node: ColumnAlteration): ColumnAlteration {
  return node.kind === 'AddColumnNode' ? { ...node, column: column(node.column) } : node
}

function column(definition: ColumnDefinitionNode): ColumnDefinitionNode {
  const { dataType } = definition
  if (!DataTypeNode.is(dataType) || dataType.dataType !== 'text') return definition
  return { ...definition, dataType: RawNode.createWithSql('text collate "C"') }
}
