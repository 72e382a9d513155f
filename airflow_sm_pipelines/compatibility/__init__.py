"""Code that depends on Airflow's internals. Everything else imports Airflow's public names only, or these modules.

All of it is private to Airflow, moved between its versions, or behaves otherwise than its documentation says. What is
used here, and since which version it is there:

=======================================  ==========================  ============================================
feature                                  module                      Airflow
=======================================  ==========================  ============================================
a task starts from its trigger           :mod:`.version`             3.3
a trigger ends its task                  :mod:`.version`             3.0; ``retries`` are honoured from 3.3.1 on
a trigger asks for states of tasks       :mod:`.states`              3.0
and runs
a trigger writes and reads XComs         :mod:`.triggerer`           3.0, as messages; refused by 3.4 when the task is
                                                                     not deferred any more
a thread of a triggerer reads a          :mod:`.threads`             3.2; before, in threads of asgiref's only
connection
a trigger skips tasks downstream         :mod:`.triggerer`           3.0 (``skipmixin_key``)
a trigger learns of a kill              :mod:`.triggerer`           3.3 (``on_kill``); before, it is only cancelled
work continues while a trigger is killed   :mod:`.triggerer`           3.0
a task goes back to a worker             :mod:`.triggerer`           3.0
who learns from workers of its end       :mod:`.audience`            3.0; of skipped tasks from 3.1 on
values are kept from try to try          :mod:`.task_state_store`    3.3; on older versions nothing is kept
a group is checked when it is            :mod:`.task_group`          3.0
serialised, and copied whole
a task shows what it found out as        :mod:`.supervisor`          3.0
rendered fields
whether a triggerer runs                 :mod:`.health`              3.0
classes that are not public              :mod:`.sdk`                 3.0; loops from 3.4 on
a mapped operator has methods            :mod:`.mapped`              3.0
pages of plugins have React              :mod:`.version`             3.1; Chakra UI from 3.2 on
pages of plugins are scoped              :mod:`.version`             3.4 (``applies_to``)
who may see a Dag, XComs of many runs    :mod:`.api_server`          3.0
where the API server serves              :mod:`.base_path`           3.0
what a mapped task group is expanded     :mod:`.mapped`              3.0; newer ones iterate over each value
over
a Dag file is loaded                     :mod:`.dag_files`           3.0; another module from 3.2 on
=======================================  ==========================  ============================================
"""
