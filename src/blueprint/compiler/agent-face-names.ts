/** Names for the agent face that Python and pydantic take: no keywords, no builtins, no names of the emitted module. */

const KEYWORDS = words(`
  False None True and as assert async await break class continue def del elif else except finally for from global if
  import in is lambda nonlocal not or pass raise return try while with yield match case type`);

/** Functions of these names would hide builtins that the emitted modules or their readers use. */
const BUILTINS = words(`
  abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright
  credits delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash
  help hex id input int isinstance issubclass iter len license list locals map max memoryview min next object oct open
  ord pow print property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple type
  vars zip`);

/** Names that the emitted modules import or define for themselves. */
const MODULE_NAMES = words(`
  annotations agent calls connector cookies client config deep operations fetch_table fetch_text given joined params quoted
  src tests texts`);

/** Attributes of pydantic's BaseModel: a field of that name would hide them. */
const MODEL_ATTRIBUTES = words(`
  construct copy dict fields from_orm json parse_file parse_obj parse_raw schema schema_json update_forward_refs
  validate model_config model_construct model_copy model_dump model_dump_json model_extra model_fields
  model_fields_set model_json_schema model_computed_fields model_parametrized_name model_post_init model_rebuild
  model_validate model_validate_json model_validate_strings`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Hands out names, each once. */
export class Names {
  readonly #taken = new Set<string>();

  /** The wanted name, or with a number behind a separator after it if it is taken. */
  take(wanted: string, separator = '_'): string {
    let name = wanted;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${wanted}${separator}${String(number)}`;
    this.#taken.add(name);
    return name;
  }
}

/** A function's name: that of the operation, with `_operation` after it where Python would stumble. */
export function functionName(operation: string): string {
  const name = identifier(operation, 'operation');
  const risky =
    KEYWORDS.has(name) || BUILTINS.has(name) || MODULE_NAMES.has(name) || name.startsWith('test_');
  return risky ? `${name}_operation` : name;
}

/** A model field's name: no leading underscore (pydantic takes that as private), no keyword, no attribute of models. */
export function fieldName(parameter: string): string {
  const name = identifier(parameter, 'value');
  return KEYWORDS.has(name) || MODEL_ATTRIBUTES.has(name) ? `${name}_` : name;
}

function identifier(text: string, fallback: string): string {
  const name = text
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+/, '')
    .toLowerCase();
  if (name === '') return fallback;
  return /^[0-9]/.test(name) ? `${fallback}_${name}` : name;
}

/** `list_tasks` → `ListTasks`. */
export function className(name: string): string {
  return name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}
