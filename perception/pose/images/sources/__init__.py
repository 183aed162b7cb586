"""Images in order of time: video files, cameras, folders, recordings of depth cameras."""

from perception.pose.images.sources.image_folder import ImageFolder
from perception.pose.images.sources.image_source import ImageFrame, ImageSource
from perception.pose.images.sources.opening import open_images
from perception.pose.images.sources.rgbd_folder import RGBDFolder
from perception.pose.images.sources.video_file import VideoFile
from perception.pose.images.sources.webcam import Webcam

__all__ = ["ImageFolder", "ImageFrame", "ImageSource", "RGBDFolder", "VideoFile", "Webcam", "open_images"]
