/**
 * The handlers of POP, given what each uses.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Random } from "../common/random.ts";
import type { RemotingClient } from "../remoting/client.ts";
import type { HandlerTable } from "../remoting/handler.ts";
import type { MessageStore } from "../store/store.ts";
import { popHandlers } from "./handlers/pop.ts";
import { popAckHandlers } from "./handlers/pop_ack.ts";
import { assignmentHandlers } from "./handlers/pop_assignment.ts";
import type { MessagePut } from "./message_put.ts";
import type { Pop } from "./pop/pop.ts";
import { PopAdmission } from "./pop/pop_admission.ts";
import { TopicRoutes } from "./pop/topic_routes.ts";
import type { BrokerSettings } from "./read_options.ts";
import type { Registration } from "./registration.ts";
import type { BrokerTables } from "./tables.ts";

/** What the handlers are made of. */
export interface PopTableParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly tables: BrokerTables;
  readonly pop: Pop;
  readonly registration: Registration;
  /** Asks name servers. */
  readonly client: RemotingClient;
  /** The settings that count now. */
  readonly settings: () => BrokerSettings;
}

/** The tables of POP's handlers. */
export function popHandlerTables(parts: PopTableParts): HandlerTable[] {
  const { clock, random, store, put, tables, pop, registration, client, settings } = parts;
  const { topics, groups, clients, offsets, filters, stats } = tables;
  const { brokerName, brokerIP1 } = settings().broker;
  const admission = new PopAdmission(groups, topics, filters, {
    brokerPermission: () => settings().broker.brokerPermission,
    brokerIP1,
    isSlave: () => !pop.isRunning,
    now: () => clock.now(),
  });
  const routes = new TopicRoutes({
    clock,
    client,
    topics,
    brokerName,
    nameServers: () => registration.nameServers.map(({ address }) => address),
  });
  return [
    popHandlers({
      pop,
      store,
      topics,
      admission,
      stats,
      clock,
      random,
      settings: {
        retryFirstPercent: () => settings().broker.popFromRetryProbability,
        retryFirstPercentByPriority: () => settings().broker.popFromRetryProbabilityForPriority,
        isHigherMoreUrgent: () => settings().broker.priorityOrderAsc,
        usesNewRetryTopics: () => settings().broker.enableRetryTopicV2,
        readsOldRetryTopics: () => settings().broker.retrieveMessageFromPopRetryTopicV1,
      },
    }),
    popAckHandlers({ pop, store, put, offsets, admission, clock }),
    assignmentHandlers({
      pop,
      routes,
      clients,
      topics,
      groups,
      dealsOut: () => settings().broker.serverLoadBalancerEnable,
    }),
  ];
}
