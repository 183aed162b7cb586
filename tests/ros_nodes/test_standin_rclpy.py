"""What the nodes rely on in rclpy's topics, services and names.

These tests use rclpy's interface only and hold for a real rclpy, too: that is how the stand-in is shown to follow it.
"""

from __future__ import annotations

import time

import pytest
import rclpy
from builtin_interfaces.msg import Time as TimeMessage
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.exceptions import InvalidTopicNameException, NotInitializedException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Int32, String
from std_srvs.srv import SetBool, Trigger

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
QUIET_S = 0.3
"""How long nothing must happen where nothing may happen."""


def connected(ros, publisher, count=1):
    return ros.wait_until(lambda: publisher.get_subscription_count() == count)


def test_a_message_arrives_as_a_copy(ros):
    received = ros.collect(JointState, "joints")
    publisher = ros.node("arm").create_publisher(JointState, "joints", 10)
    assert connected(ros, publisher)
    message = JointState(name=["a", "b"], position=[1.0, 2.5])
    publisher.publish(message)
    message.name.append("late")
    assert ros.wait_until(lambda: received)
    assert received[0].name == ["a", "b"]
    assert list(received[0].position) == [1.0, 2.5]
    assert received[0] is not message


def test_order_is_kept_and_every_subscription_gets_its_own(ros):
    first, second = ros.collect(Int32, "numbers", 100), ros.collect(Int32, "numbers", 100)
    publisher = ros.node("talker").create_publisher(Int32, "numbers", 100)
    assert connected(ros, publisher, 2)
    for number in range(50):
        publisher.publish(Int32(data=number))
    assert ros.wait_until(lambda: len(first) == len(second) == 50)
    assert [one.data for one in first] == list(range(50))
    assert first[0] is not second[0]


def test_wrong_type_is_refused(ros):
    publisher = ros.node("talker").create_publisher(String, "words", 10)
    with pytest.raises(TypeError):
        publisher.publish(Int32(data=1))


def test_raw_subscription_gets_bytes_and_info_is_given_where_wanted(ros):
    node, raw, infos = ros.node("listener"), [], []
    node.create_subscription(String, "words", raw.append, 10, raw=True)
    node.create_subscription(String, "words", lambda message, info: infos.append((message.data, info)), 10)
    publisher = node.create_publisher(String, "words", 10)
    assert connected(ros, publisher, 2)
    publisher.publish(String(data="hello"))
    assert ros.wait_until(lambda: raw and infos)
    assert isinstance(raw[0], bytes)
    assert deserialize_message(raw[0], String).data == "hello"
    assert infos[0][0] == "hello" and infos[0][1]["source_timestamp"] > 0


def test_serialised_bytes_are_little_endian_cdr():
    assert serialize_message(TimeMessage(sec=1, nanosec=2)) == bytes([0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])


def test_best_effort_is_not_heard_by_who_wants_reliable(ros):
    node, received = ros.node("camera"), []
    node.create_subscription(Int32, "frames", received.append, 10)
    publisher = node.create_publisher(Int32, "frames", qos_profile_sensor_data)
    fitting = ros.collect(Int32, "frames", qos_profile_sensor_data)
    assert connected(ros, publisher)
    publisher.publish(Int32(data=1))
    assert ros.wait_until(lambda: fitting)
    time.sleep(QUIET_S)
    assert not received


def test_late_joiner_gets_latched_messages_only(ros):
    node = ros.node("early")
    publisher = node.create_publisher(Int32, "fact", QoSProfile(depth=2, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    for number in range(5):
        publisher.publish(Int32(data=number))
    late = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    latched, volatile = ros.collect(Int32, "fact", late), ros.collect(Int32, "fact", 10)
    assert ros.wait_until(lambda: len(latched) == 2)
    time.sleep(QUIET_S)
    assert [one.data for one in latched] == [3, 4]
    assert not volatile


def test_latched_is_not_offered_by_a_volatile_publisher(ros):
    received = ros.collect(Int32, "fact", LATCHED)
    publisher = ros.node("talker").create_publisher(Int32, "fact", 10)
    time.sleep(QUIET_S)
    publisher.publish(Int32(data=1))
    time.sleep(QUIET_S)
    assert not received and publisher.get_subscription_count() == 0


def test_full_queue_drops_the_oldest(ros):
    publisher = ros.node("talker").create_publisher(Int32, "numbers", 10)
    slow, received = Node("slow", context=ros.context), []
    slow.create_subscription(Int32, "numbers", received.append, QoSProfile(depth=2))
    assert connected(ros, publisher)
    for number in range(6):
        publisher.publish(Int32(data=number))
    time.sleep(QUIET_S)
    executor = SingleThreadedExecutor(context=ros.context)
    executor.add_node(slow)
    for _ in range(10):
        executor.spin_once(timeout_sec=0.05)
    executor.shutdown()
    slow.destroy_node()
    assert [one.data for one in received] == [4, 5]


def test_names_namespaces_and_remaps(ros):
    arguments = ["--ros-args", "-r", "image:=/camera/color", "-r", "__node:=seer", "-r", "other_node:word:=/never"]
    node = ros.node("detector", namespace="cell", cli_args=arguments)
    assert (node.get_name(), node.get_namespace()) == ("seer", "/cell")
    assert node.get_fully_qualified_name() == "/cell/seer"
    assert node.get_logger().name == "cell.seer"
    assert node.create_publisher(String, "image", 10).topic_name == "/camera/color"
    assert node.create_publisher(String, "~/image", 10).topic_name == "/cell/seer/image"
    assert node.create_publisher(String, "word", 10).topic_name == "/cell/word"
    assert node.resolve_topic_name("image") == "/camera/color"
    assert node.resolve_topic_name("image", only_expand=True) == "/cell/image"
    assert node.resolve_service_name("/go") == "/go"


@pytest.mark.parametrize("name", ["", "1st", "a b", "a//b", "a/", "a-b"])
def test_bad_topic_names_are_refused(ros, name):
    with pytest.raises(InvalidTopicNameException):
        ros.node("talker").create_publisher(String, name, 10)


def test_one_rule_does_not_remap_an_action_but_five_do(ros):
    """On Humble and Jazzy a rule for an action's name has no effect: its services and topics have to be remapped."""
    from control_msgs.action import GripperCommand
    from rclpy.action import ActionServer

    def execute(handle):
        handle.succeed()
        return GripperCommand.Result()

    ActionServer(ros.node("server"), GripperCommand, "/hand/grip", execute)
    plain = ros.node("plain", cli_args=["--ros-args", "-r", "grip:=/hand/grip"])
    client = ActionClient(plain, GripperCommand, "grip")
    if ros.remaps_actions:
        pytest.skip("this ROS remaps actions by their own names")
    assert not client.wait_for_server(timeout_sec=QUIET_S)
    parts = ("send_goal", "cancel_goal", "get_result", "feedback", "status")
    rules = [word for part in parts for word in ("-r", f"grip/_action/{part}:=/hand/grip/_action/{part}")]
    remapped = ros.node("remapped", cli_args=["--ros-args", *rules])
    assert ActionClient(remapped, GripperCommand, "grip").wait_for_server(timeout_sec=5.0)


def test_graph_is_seen(ros):
    node = ros.node("talker")
    publisher = node.create_publisher(String, "words", 10)
    assert ros.wait_until(lambda: node.count_publishers("words") == 1)
    ros.collect(String, "words")
    assert ros.wait_until(lambda: node.count_subscribers("/words") == 1)
    assert ("/words", ["std_msgs/msg/String"]) in node.get_topic_names_and_types()
    assert "talker" in node.get_node_names()
    assert node.destroy_publisher(publisher)
    assert ros.wait_until(lambda: node.count_publishers("words") == 0)


def test_service_answers(ros):
    node = ros.node("lamp")

    def switch(request, response):
        response.success, response.message = request.data, "on" if request.data else "off"
        return response

    node.create_service(SetBool, "~/switch", switch)
    answer = ros.call(SetBool, "/lamp/switch", SetBool.Request(data=True))
    assert (answer.success, answer.message) == (True, "on")
    assert not ros.call(SetBool, "/lamp/switch", SetBool.Request(data=False)).success
    with pytest.raises(TypeError):
        node.create_client(SetBool, "~/switch").call_async(Trigger.Request())


def test_missing_service(ros):
    client = ros.node("asker").create_client(Trigger, "/nobody")
    assert not client.wait_for_service(timeout_sec=0.1)
    assert not client.service_is_ready()
    future = client.call_async(Trigger.Request())
    time.sleep(QUIET_S)
    assert not future.done()


def test_two_domains_do_not_see_each_other(ros):
    received = ros.collect(String, "words")
    other = Context()
    rclpy.init(args=[], context=other, domain_id=ros.domain_id + 1)
    node = Node("stranger", context=other)
    publisher = node.create_publisher(String, "words", LATCHED)
    time.sleep(QUIET_S)
    publisher.publish(String(data="hello"))
    time.sleep(QUIET_S)
    assert not received and publisher.get_subscription_count() == 0
    node.destroy_node()
    other.shutdown()


def test_nothing_is_made_after_shutdown():
    context = Context()
    assert not context.ok()
    with pytest.raises(NotInitializedException):
        Node("late", context=context)
    rclpy.init(args=[], context=context, domain_id=77)
    assert context.ok() and context.get_domain_id() == 77
    context.shutdown()
    assert not context.ok()
    with pytest.raises(NotInitializedException):
        Node("late", context=context)
    with pytest.raises(RuntimeError):
        context.shutdown()


def test_destroyed_subscription_hears_nothing(ros):
    node, received = ros.node("listener"), []
    subscription = node.create_subscription(String, "words", received.append, 10)
    publisher = node.create_publisher(String, "words", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE))
    assert connected(ros, publisher)
    assert node.destroy_subscription(subscription)
    assert connected(ros, publisher, 0)
    publisher.publish(String(data="hello"))
    time.sleep(QUIET_S)
    assert not received


def test_log_lines_once_skipped_and_throttled(ros, capfd):
    log = ros.node("speaker").get_logger()
    for number in range(3):
        log.info(f"once {number}", once=True)
        log.warning(f"skip {number}", skip_first=True)
        log.error(f"throttled {number}", throttle_duration_sec=30.0)
        log.debug(f"debug {number}")
    assert ros.wait_until(lambda: True)
    err = capfd.readouterr().err
    assert "[speaker]: once 0" in err and "once 1" not in err
    assert "skip 0" not in err and "skip 1" in err and "skip 2" in err
    assert "throttled 0" in err and "throttled 1" not in err
    assert "debug" not in err


def test_log_lines_reach_rosout(ros):
    from rcl_interfaces.msg import Log

    lines = ros.collect(Log, "/rosout", QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.node("speaker").get_logger().error("it hurts")
    assert ros.wait_until(lambda: any(one.msg == "it hurts" and one.name == "speaker" for one in lines))
