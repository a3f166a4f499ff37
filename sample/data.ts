/**
 * The account that the sample server answers from: made by a seeded generator, so that every start holds the same
 * rows and a reader can be checked against known numbers. Nobody in it exists.
 */

export type Row = Record<string, unknown> & { id: string };

export interface TeamMember {
  readonly user: Reference;
  readonly role: string;
}

interface Reference {
  readonly id: string;
  readonly type: string;
  readonly summary: string;
  readonly self: string;
  readonly html_url: string;
}

export interface Account {
  readonly incidents: Row[];
  /** By incident id. */
  readonly notes: Map<string, Row[]>;
  readonly logEntries: Row[];
  readonly services: Row[];
  readonly users: Row[];
  /** By user id. */
  readonly contactMethods: Map<string, Row[]>;
  readonly teams: Row[];
  /** By team id. */
  readonly members: Map<string, TeamMember[]>;
  readonly escalationPolicies: Row[];
  readonly schedules: Row[];
  readonly priorities: Row[];
  readonly auditRecords: Row[];
}

/** The account's first day, and the moment that the server takes for now. Fixed, so that answers never change. */
export const FIRST_DAY = new Date('2025-12-01T00:00:00Z');
export const NOW = new Date('2026-03-01T00:00:00Z');

const TEAMS = ['Shop', 'Search', 'Payments', 'Platform', 'Data'];
const SERVICES = [
  'Checkout',
  'Basket',
  'Search',
  'Suggestions',
  'Payments',
  'Refunds',
  'Login',
  'Mail',
  'Queue',
  'Warehouse',
];
const TROUBLES = [
  'answers slowly',
  'answers with errors',
  'is down',
  'runs out of disk',
  'lags behind',
  'refuses logins',
];
const FIRST = [
  'Noor',
  'Ines',
  'Tomasz',
  'Aiko',
  'Samuel',
  'Leila',
  'Jonas',
  'Mei',
  'Rafael',
  'Hanna',
  'Omar',
  'Greta',
];
const LAST = [
  'Haddad',
  'Costa',
  'Nowak',
  'Sato',
  'Okafor',
  'Rahimi',
  'Lind',
  'Chen',
  'Moreno',
  'Weber',
  'Said',
  'Berg',
];
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC'];
const ROLES = ['admin', 'user', 'user', 'observer', 'limited_user'];
const NOTES = [
  'Looking at it.',
  'Rolled back the last deployment.',
  'Restarted the workers.',
  'Graphs are back to normal.',
];

/** A small seeded generator (mulberry32): the same seed gives the same numbers on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(list: readonly T[], at: number): T {
  const value = list[at % list.length];
  if (value === undefined) throw new Error('The list to pick from is empty.');
  return value;
}

/** An ISO time without fractions, as the API writes it. */
export function time(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function resource(type: string, collection: string, id: string, summary: string): Row {
  return {
    id,
    type,
    summary,
    self: `https://api.pagerduty.com/${collection}/${id}`,
    html_url: `https://example.pagerduty.com/${collection}/${id}`,
  };
}

/** The short form under which one resource names another. */
export function reference(row: Row): Reference {
  return {
    id: row.id,
    type: `${String(row['type'])}_reference`,
    summary: String(row['summary']),
    self: String(row['self']),
    html_url: String(row['html_url']),
  };
}

function number(at: number, digits: number): string {
  return String(at).padStart(digits, '0');
}

/** Makes the account. `incidents` is their number; everything else follows from it. */
export function makeAccount(incidents = 180): Account {
  const random = generator(20_260_301);
  const teams = TEAMS.map((name, at) => ({
    ...resource('team', 'teams', `PTEA${number(at + 1, 3)}`, name),
    name,
    description: at === 4 ? null : `Looks after ${name.toLowerCase()}.`,
    default_role: 'manager',
    parent: null,
  }));
  const priorities = ['P1', 'P2', 'P3', 'P4', 'P5'].map((name, at) => ({
    ...resource('priority', 'priorities', `PPRI${number(at + 1, 3)}`, name),
    name,
    description: `Severity ${at + 1} of 5`,
    color: pick(['a8171c', 'eb6016', 'f9b406', '555555', '555555'], at),
    order: at + 1,
  }));
  const users = Array.from({ length: 60 }, (_, at) => {
    const name = `${pick(FIRST, at)} ${pick(LAST, at + Math.floor(at / FIRST.length))}`;
    const email = `${name.toLowerCase().replace(' ', '.')}@example.com`;
    return {
      ...resource('user', 'users', `PUSR${number(at + 1, 3)}`, name),
      name,
      email,
      time_zone: pick(ZONES, at),
      color: pick(['teal', 'purple', 'red', 'green'], at),
      role: pick(ROLES, at),
      avatar_url: `https://example.com/avatars/${at + 1}.png`,
      description: null,
      job_title: at % 3 === 0 ? null : 'Site reliability engineer',
      invitation_sent: at % 7 === 0,
      teams: [reference(pick(teams, at))],
    };
  });
  const contactMethods = new Map(
    users.map((user, at) => [
      user.id,
      Array.from({ length: 1 + (at % 3) }, (_, index): Row => {
        const type = index === 0 ? 'email_contact_method' : 'phone_contact_method';
        return {
          ...resource(
            type,
            `users/${user.id}/contact_methods`,
            `PCON${number(at * 3 + index + 1, 4)}`,
            'Work',
          ),
          label: index === 2 ? 'Private' : 'Work',
          address: index === 0 ? user.email : `555-01${number(at, 2)}`,
        };
      }),
    ]),
  );
  const members = new Map(
    teams.map((team, at) => [
      team.id,
      users
        .filter((_, index) => index % TEAMS.length === at || index % 17 === at)
        .map((user, index) => ({
          user: reference(user),
          role: pick(['manager', 'responder', 'observer'], index),
        })),
    ]),
  );
  const escalationPolicies = teams.map((team, at) => ({
    ...resource(
      'escalation_policy',
      'escalation_policies',
      `PESC${number(at + 1, 3)}`,
      `${team.name} on call`,
    ),
    name: `${team.name} on call`,
    description: null,
    num_loops: at % 3,
    on_call_handoff_notifications: 'if_has_services',
    escalation_rules: [0, 1].map((rule) => ({
      id: `PRUL${number(at * 2 + rule + 1, 3)}`,
      escalation_delay_in_minutes: 15 * (rule + 1),
      targets: [reference(pick(users, at * 5 + rule))],
    })),
    services: [] as Reference[],
    teams: [reference(team)],
  }));
  const services = SERVICES.map((name, at) => ({
    ...resource('service', 'services', `PSVC${number(at + 1, 3)}`, name),
    name,
    description: `The part named ${name}.`,
    created_at: time(new Date(FIRST_DAY.getTime() - (at + 1) * 86_400_000)),
    status: pick(['active', 'active', 'warning', 'critical', 'disabled'], at),
    auto_resolve_timeout: at % 2 === 0 ? 14_400 : null,
    acknowledgement_timeout: 1800,
    last_incident_timestamp: null as string | null,
    escalation_policy: reference(pick(escalationPolicies, at)),
    teams: [reference(pick(teams, at))],
  }));
  services.forEach((service, at) => pick(escalationPolicies, at).services.push(reference(service)));
  const schedules = teams.flatMap((team, at) =>
    ['weekdays', 'weekends'].map((part, index) => ({
      ...resource('schedule', 'schedules', `PSCH${number(at * 2 + index + 1, 3)}`, `${team.name} ${part}`),
      name: `${team.name} ${part}`,
      time_zone: pick(ZONES, at),
      description: null,
      escalation_policies: [reference(pick(escalationPolicies, at))],
      users: users.filter((_, user) => user % TEAMS.length === at && user % 2 === index).map(reference),
      teams: [reference(team)],
    })),
  );

  const account: Account = {
    incidents: [],
    notes: new Map(),
    logEntries: [],
    services,
    users,
    contactMethods,
    teams,
    members,
    escalationPolicies,
    schedules,
    priorities,
    auditRecords: [],
  };
  const span = NOW.getTime() - FIRST_DAY.getTime();
  for (let at = 0; at < incidents; at += 1) {
    // Every ninth incident is opened in the same second as the one before: readers may lose neither.
    const tick = at % 9 === 8 ? at - 1 : at;
    const opened = new Date(FIRST_DAY.getTime() + Math.floor(((tick + 0.5) / incidents) * span));
    const service = pick(services, Math.floor(random() * services.length));
    const minutes = 5 + Math.floor(random() * 240);
    const ended = new Date(opened.getTime() + minutes * 60_000);
    const state = at >= incidents - 3 ? 'triggered' : at >= incidents - 6 ? 'acknowledged' : 'resolved';
    addIncident(account, {
      title: `${service.name} ${pick(TROUBLES, Math.floor(random() * TROUBLES.length))}`,
      service,
      urgency: random() < 0.6 ? 'high' : 'low',
      opened,
      state,
      changed: state === 'triggered' ? opened : ended,
      person: pick(users, Math.floor(random() * users.length)),
      priority: random() < 0.2 ? null : pick(priorities, Math.floor(random() * priorities.length)),
      notes: Math.floor(random() * 4),
    });
  }
  for (let at = 0; at < 260; at += 1) {
    const service = pick(services, Math.floor(random() * services.length));
    const when = new Date(FIRST_DAY.getTime() + Math.floor(((at + 0.5) / 260) * span));
    account.auditRecords.push({
      id: `PDAUD${number(at + 1, 7)}`,
      self: null,
      execution_time: time(when),
      action: pick(['create', 'update', 'update', 'delete'], Math.floor(random() * 4)),
      execution_context: {
        request_id: Math.floor(random() * 2 ** 32).toString(16),
        remote_address: `192.0.2.${1 + (at % 250)}`,
      },
      method: {
        type: pick(['browser', 'api_token'], at),
        truncated_token: at % 2 === 0 ? null : '3xyz',
        description: null,
      },
      actors: [reference(pick(users, Math.floor(random() * users.length)))],
      root_resource: reference(service),
      details: at % 3 === 0 ? null : { resource: reference(service) },
    });
  }
  return account;
}

export interface NewIncident {
  readonly title: string;
  readonly service: Row;
  readonly urgency: string;
  readonly opened: Date;
  readonly state: string;
  readonly changed: Date;
  readonly person: Row;
  readonly priority: Row | null;
  readonly notes: number;
}

/** Opens an incident with its history and notes; also what POST /incidents does. */
export function addIncident(account: Account, from: NewIncident): Row {
  const count = account.incidents.length + 1;
  const id = `Q${number(count, 4)}${pick(['WX', 'KT', 'BN', 'ZR'], count)}INC`;
  const title = `[#${1000 + count}] ${from.title}`;
  const incident = {
    ...resource('incident', 'incidents', id, title),
    incident_number: 1000 + count,
    title: from.title,
    created_at: time(from.opened),
    updated_at: time(from.changed),
    resolved_at: from.state === 'resolved' ? time(from.changed) : null,
    status: from.state,
    urgency: from.urgency,
    incident_key: count % 4 === 0 ? null : `key-${count}`,
    service: reference(from.service),
    escalation_policy: from.service['escalation_policy'],
    priority: from.priority === null ? null : reference(from.priority),
    assignments:
      from.state === 'resolved' ? [] : [{ at: time(from.opened), assignee: reference(from.person) }],
    teams: from.service['teams'],
  };
  account.incidents.push(incident);
  from.service['last_incident_timestamp'] = time(from.opened);
  const kinds =
    from.state === 'triggered'
      ? ['trigger_log_entry', 'assign_log_entry']
      : from.state === 'acknowledged'
        ? ['trigger_log_entry', 'assign_log_entry', 'acknowledge_log_entry']
        : ['trigger_log_entry', 'assign_log_entry', 'acknowledge_log_entry', 'resolve_log_entry'];
  kinds.forEach((kind, step) => {
    const share = kinds.length === 1 ? 0 : step / (kinds.length - 1);
    const at = new Date(from.opened.getTime() + share * (from.changed.getTime() - from.opened.getTime()));
    account.logEntries.push({
      ...resource(
        kind,
        'log_entries',
        `R${number(account.logEntries.length + 1, 6)}LOG`,
        kind.replace(/_log_entry$/, ''),
      ),
      created_at: time(at),
      agent: step === 0 ? reference(from.service) : reference(from.person),
      channel: { type: step === 0 ? 'api' : 'web' },
      incident: reference(incident),
      service: reference(from.service),
      teams: from.service['teams'],
    });
  });
  account.notes.set(
    id,
    Array.from({ length: from.notes }, (_, at) => ({
      id: `PNOT${number(count, 4)}${at + 1}`,
      content: pick(NOTES, at),
      created_at: time(new Date(from.opened.getTime() + (at + 1) * 60_000)),
      user: reference(from.person),
      channel: { type: 'web', summary: 'The PagerDuty website' },
    })),
  );
  return incident;
}
