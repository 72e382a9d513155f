"""What knows Airflow's innards. Everything else imports Airflow's public names only, or these modules.

All of it is private to Airflow, moved between its versions, or behaves otherwise than its documentation says. What is
used here, and since which version it is there:

=======================================  ==========================  ============================================
feature                                  module                      Airflow
=======================================  ==========================  ============================================
a trigger ends its task                  :mod:`.triggerer`           3.0; ``retries`` are honoured from 3.3.1 on
a trigger asks for states of tasks       :mod:`.states`              3.0
and runs
a trigger writes and reads XComs         :mod:`.triggerer`           3.3 (``XCom.aset``, ``XCom.aget_one``)
a trigger skips tasks downstream         :mod:`.triggerer`           3.0 (``skipmixin_key``); module of 3.2
work goes on while a trigger is killed   :mod:`.triggerer`           3.3 (``on_kill``)
a task goes back to a worker             :mod:`.triggerer`           3.0
a task starts from its trigger           :mod:`.triggerer`           3.3
who is told by workers of a task's end   :mod:`.audience`            the listener manager's module of 3.3
values are kept from try to try          :mod:`.task_state_store`    3.3; on older versions nothing is kept
a group is checked when it is            :mod:`.task_group`          3.0
serialised, and copied whole
exceptions, sensors, branching           :mod:`.sdk`                 the modules of 3.2
a Dag file is loaded                     :mod:`.dag_files`           3.0
=======================================  ==========================  ============================================
"""
